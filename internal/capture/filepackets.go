package capture

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"porchlight/internal/capture/ffmpeg"
)

// readAhead is how many units of a file are read before their time has come,
// so that a child that has to write packets is not kept from its pictures.
const readAhead = 64

// publish puts the packets of one round of a file on the bus, each at its
// time, and returns where the next round begins.
func (s *fileSource) publish(ctx context.Context, packets io.Reader, clock *clock, base time.Duration) (end time.Duration) {
	units := make(chan ffmpeg.Unit, readAhead)
	go s.read(ctx, packets, units)
	order := unitOrder{wait: s.packets.Sound != ffmpeg.NoSound, tail: s.interval(0)}
	for u := range units {
		order.add(u)
		end = max(end, s.due(ctx, &order, clock, base))
	}
	order.end()
	return max(end, s.due(ctx, &order, clock, base))
}

// due publishes the units whose turn has come and returns when the last
// picture of them ends.
func (s *fileSource) due(ctx context.Context, order *unitOrder, clock *clock, base time.Duration) (end time.Duration) {
	at := func(pts time.Duration) time.Time { return clock.start.Add(pts) }
	for u, ok := order.next(); ok; u, ok = order.next() {
		clock.at(ctx, base+u.PTS)
		if ctx.Err() != nil {
			continue // until the reader has noticed too
		}
		for _, p := range s.outlet.packets(u, base, at) {
			if !p.Stream.Audio() {
				end = max(end, p.PTS+s.interval(0))
			}
			s.cfg.Packets.Publish(p)
		}
	}
	return end
}

// read reads units ahead. Whatever happens it reads all, or the child would
// wait for that for ever.
func (s *fileSource) read(ctx context.Context, packets io.Reader, to chan<- ffmpeg.Unit) {
	defer close(to)
	units := ffmpeg.NewUnits(packets, 0)
	for {
		u, err := units.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) && ctx.Err() == nil {
				s.cfg.Log.Warn("no more packets of the file in this round", "error", err)
				_, _ = io.Copy(io.Discard, packets)
			}
			return
		}
		select {
		case to <- u:
		case <-ctx.Done():
			return // which ends the child
		}
	}
}
