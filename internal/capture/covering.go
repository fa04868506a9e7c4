package capture

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"porchlight/internal/capture/ffmpeg"
	"porchlight/internal/media"
)

// covering is the work of one child.
type covering struct {
	*coverer
	child *ffmpeg.Transcoder
	first *media.Packet

	watchdog *time.Timer
	armed    atomic.Bool // packets have gone in and none has come out since
	hung     atomic.Bool

	times sync.Mutex
	taken map[int64]time.Time // when pictures still in the child were taken, by timestamp in ms
}

func (j *covering) hang() {
	j.hung.Store(true)
	j.child.Interrupt()
}

// feed writes packets of video to the child until the stream changes, and
// then returns the new stream's first. Sound passes by.
func (j *covering) feed(ctx context.Context) (*media.Packet, error) {
	to := feed{j.child}
	if err := to.header(j.first.Stream); err != nil {
		return nil, err
	}
	skipped, newest := j.packets.Skipped(), j.first.PTS
	for p := j.first; ; {
		if !p.Stream.Audio() {
			if err := j.put(to, p); err != nil {
				return nil, fmt.Errorf("feed: %w", err)
			}
			newest = max(newest, p.PTS)
		}
		var err error
		if p, err = j.packets.Next(ctx); err != nil {
			return nil, err
		}
		if n := j.packets.Skipped(); n > skipped {
			j.late.add(uint64(n - skipped))
			skipped = n
		}
		switch {
		case p.Stream.Audio():
			j.mu.Lock()
			j.out.sound(p)
			j.mu.Unlock()
		case p.Stream != j.first.Stream || p.Key && p.PTS < newest-maxClockSkew:
			return p, nil // timestamps that jump back are as good as a new stream
		}
	}
}

// put writes one packet to the child.
func (j *covering) put(to feed, p *media.Packet) error {
	ms := (p.PTS - j.first.PTS).Milliseconds()
	if ms < 0 {
		return nil // a B picture from before the first keyframe
	}
	j.times.Lock()
	j.taken[ms] = p.Time
	j.times.Unlock()
	if j.armed.CompareAndSwap(false, true) {
		j.watchdog.Reset(j.cfg.Timeout)
	}
	return to.packet(p, ms)
}

// take puts the child's packets on the bus until it ends.
func (j *covering) take(how *ffmpeg.PacketConfig) {
	units, label := ffmpeg.NewUnits(j.child.Packets(), 0), newPacketizer(how)
	for {
		u, err := units.Next()
		if err != nil {
			return // the child has ended, or is to
		}
		j.watchdog.Stop()
		j.armed.Store(false)
		p, err := label.Packet(u.NALs, j.first.PTS+u.PTS, j.time(u.PTS.Round(time.Millisecond)))
		if err != nil {
			if errors.Is(err, media.ErrTooLarge) {
				j.large.add(1)
			}
			continue
		}
		j.mu.Lock()
		j.out.video(p)
		j.mu.Unlock()
		if j.shown != nil {
			j.shown()
		}
	}
}

// time returns when the picture with a timestamp was taken and forgets the
// pictures before it, which the child has dropped.
func (j *covering) time(pts time.Duration) time.Time {
	j.times.Lock()
	defer j.times.Unlock()
	ms := pts.Milliseconds()
	at, known := j.taken[ms]
	if !known {
		at = j.first.Time.Add(pts)
	}
	for k := range j.taken {
		if k <= ms {
			delete(j.taken, k)
		}
	}
	return at
}
