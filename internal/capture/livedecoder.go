package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"porchlight/internal/capture/ffmpeg"
	"porchlight/internal/event"
	"porchlight/internal/media"
)

// liveDecoder decodes the packets of one camera in a child. A child that dies
// or hangs is replaced at the next keyframe; each new stream gets a new one.
type liveDecoder struct {
	cfg     Config
	player  *player
	packets *media.Reader
	gate    gate
}

func (d *liveDecoder) run(ctx context.Context) {
	retry := backoff{min: d.cfg.retryMin, max: d.cfg.retryMax}
	d.gate = gate{attention: d.cfg.Attention, log: d.cfg.Log}
	var first *media.Packet
	for {
		if first == nil {
			var err error
			if first, err = d.packets.Next(ctx); err != nil {
				return
			}
		}
		if !first.Key {
			first = nil
			continue
		}
		began := time.Now()
		next, err := d.decode(ctx, first)
		if ctx.Err() != nil {
			return
		}
		first = next
		if err == nil {
			continue
		}
		d.player.states.set(event.CameraFailed, fmt.Errorf("decoder: %w", err))
		if time.Since(began) > d.cfg.retryMax {
			retry.reset()
		}
		sleep(ctx, retry.delay())
		d.packets.SkipToKey()
		first = nil
	}
}

// decode runs one child from a keyframe on. It returns the first packet of
// the next stream, or the child's fault.
func (d *liveDecoder) decode(ctx context.Context, first *media.Packet) (*media.Packet, error) {
	dec, err := ffmpeg.Decode(ctx, ffmpeg.DecodeConfig{
		Input: liveInput(), Stdin: true, FPS: d.cfg.FPS, MaxWidth: d.cfg.MaxWidth,
	})
	if err != nil {
		return nil, err
	}
	d.gate.restart(first)
	job := &decoding{cfg: d.cfg, player: d.player, dec: dec, gate: &d.gate, first: first, taken: make(map[int64]time.Time)}
	job.watchdog = time.AfterFunc(d.cfg.silence(), job.hang)
	job.armed.Store(true)
	defer job.watchdog.Stop()

	feeding, stop := context.WithCancel(ctx)
	var showing sync.WaitGroup
	var fault error
	showing.Go(func() {
		defer stop()
		fault = job.show()
	})
	next, err := job.feed(feeding, d.packets)
	dec.Interrupt()
	showing.Wait()
	dec.Close()
	switch {
	case next != nil:
		return next, nil
	case job.hung.Load():
		return nil, fmt.Errorf("no picture for %s: %s", d.cfg.silence(), dec.Complaints())
	default:
		return nil, errors.Join(fault, err)
	}
}

// decoding is the work of one child.
type decoding struct {
	cfg    Config
	player *player
	dec    *ffmpeg.Decoder
	gate   *gate
	first  *media.Packet
	from   atomic.Int64 // pictures with earlier timestamps, in ms, are not shown

	watchdog *time.Timer
	armed    atomic.Bool // packets have gone in and no picture has come out since
	hung     atomic.Bool

	mu    sync.Mutex
	taken map[int64]time.Time // when pictures still in the decoder were taken, by timestamp in ms
}

func (j *decoding) hang() {
	j.hung.Store(true)
	j.dec.Interrupt()
}

// feed writes packets to the child until the stream changes, and then returns
// the new stream's first packet.
func (j *decoding) feed(ctx context.Context, packets *media.Reader) (*media.Packet, error) {
	to := feed{j.dec}
	if err := to.header(j.first.Stream); err != nil {
		return nil, err
	}
	newest := j.first.PTS
	for p := j.first; ; {
		burst := j.gate.admit(p)
		if len(burst) > 1 {
			j.from.Store((p.PTS - replayFor - j.first.PTS).Milliseconds())
		}
		for _, q := range burst {
			if err := j.put(to, q); err != nil {
				return nil, fmt.Errorf("feed: %w", err)
			}
		}
		var err error
		if p, err = packets.Next(ctx); err != nil {
			return nil, err
		}
		if p.Stream != j.first.Stream || p.Key && p.PTS < newest-maxClockSkew {
			return p, nil // timestamps that jump back are as good as a new stream
		}
		newest = max(newest, p.PTS)
	}
}

// put writes one packet to the child.
func (j *decoding) put(to feed, p *media.Packet) error {
	ms := (p.PTS - j.first.PTS).Milliseconds()
	if ms < 0 {
		return nil // a B picture from before the first keyframe
	}
	j.mu.Lock()
	j.taken[ms] = p.Time
	j.mu.Unlock()
	if j.armed.CompareAndSwap(false, true) {
		j.watchdog.Reset(j.cfg.silence())
	}
	return to.packet(p, ms)
}

// show hands on the child's pictures until it ends.
func (j *decoding) show() error {
	for {
		pic, err := j.dec.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("ended early: %s", j.dec.Complaints())
		}
		if err != nil {
			return err
		}
		j.watchdog.Stop()
		j.armed.Store(false)
		at := j.time(pic.PTS.Milliseconds())
		if pic.PTS.Milliseconds() >= j.from.Load() {
			j.player.show(pic, at, j.first.PTS+pic.PTS)
		}
	}
}

// time returns when the picture with timestamp ms was taken and forgets the
// pictures before it, which the decoder has dropped.
func (j *decoding) time(ms int64) time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	at, known := j.taken[ms]
	if !known {
		at = time.Now()
	}
	for k := range j.taken {
		if k <= ms {
			delete(j.taken, k)
		}
	}
	return at
}
