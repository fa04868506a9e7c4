package capture

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"porchlight/internal/capture/ffmpeg"
	"porchlight/internal/media"
)

// covererQueue is how many packets, of sound too, the coverer may fall behind
// before it skips to the next keyframe.
const covererQueue = 256

// coverer takes a camera's packets, covers parts of the pictures in a child
// and puts what comes out on the bus. The packets themselves never get there,
// whatever happens to the child.
type coverer struct {
	cfg     Config
	packets *media.Reader // video and sound
	large   *tally
	late    *tally
	fault   func(error) // if set, is told of one
	shown   func()      // if set, is called with every covered picture

	mu  sync.Mutex // of out
	out weave
}

// cover returns the bus on which to put the camera's packets so that they are
// covered first, if that is asked for, and a function that ends that.
func (s *rtspSource) cover(ctx context.Context, fault func(error)) (bus *media.Bus, end func()) {
	if s.cfg.Packets == nil || len(s.cfg.Masks) == 0 {
		if s.cfg.Packets != nil {
			return s.cfg.Packets, func() {}
		}
		return &media.Bus{}, func() {}
	}
	bus = &media.Bus{}
	c := &coverer{
		cfg: s.cfg, packets: bus.SubscribeAll(covererQueue), large: s.large, fault: fault, shown: s.shown,
		out: weave{bus: s.cfg.Packets},
		late: &tally{tell: func(n uint64) {
			s.cfg.Log.Warn("pictures are neither recorded nor shown live because they come faster than they can be covered;"+
				" lower the size or the rate of the camera's pictures", "pictures", n)
		}},
	}
	s.shown = nil
	ctx, cancel := context.WithCancel(ctx)
	var covering sync.WaitGroup
	covering.Go(func() { c.run(ctx) })
	return bus, func() {
		cancel()
		covering.Wait()
		c.packets.Close()
		c.late.flush()
	}
}

func (c *coverer) run(ctx context.Context) {
	retry := backoff{min: c.cfg.retryMin, max: c.cfg.retryMax}
	var how *ffmpeg.PacketConfig
	var first *media.Packet
	for {
		if first == nil {
			var err error
			if first, err = c.packets.Next(ctx); err != nil {
				return
			}
		}
		if !first.Key {
			first = nil
			continue
		}
		if how == nil {
			size := ffmpeg.Info{Width: first.Stream.Width, Height: first.Stream.Height}
			if how = encoded(ctx, &c.cfg, ffmpeg.PacketConfig{}, "parts of it are covered", size); how == nil {
				c.fail(ctx, ffmpeg.ErrNoEncoder)
				return
			}
		}
		began := time.Now()
		next, err := c.child(ctx, *how, first)
		if ctx.Err() != nil {
			return
		}
		if first = next; err == nil {
			continue
		}
		c.cfg.Log.Warn("video cannot be covered, so it is neither recorded nor shown live until it can", "error", err)
		c.fail(ctx, err)
		if time.Since(began) > c.cfg.retryMax {
			retry.reset()
		}
		sleep(ctx, retry.delay())
		c.packets.SkipToKey()
		first = nil
	}
}

func (c *coverer) fail(ctx context.Context, err error) {
	if c.fault != nil && ctx.Err() == nil {
		c.fault(fmt.Errorf("parts of the video cannot be covered: %w", err))
	}
}

// child runs one child from a keyframe on. It returns the first packet of the
// next stream, or the child's fault.
func (c *coverer) child(ctx context.Context, how ffmpeg.PacketConfig, first *media.Packet) (*media.Packet, error) {
	child, err := ffmpeg.Transcode(ctx, ffmpeg.TranscodeConfig{Input: liveInput(), Stdin: true, Packets: how})
	if err != nil {
		return nil, err
	}
	job := &covering{coverer: c, child: child, first: first, taken: make(map[int64]time.Time)}
	job.watchdog = time.AfterFunc(c.cfg.Timeout, job.hang)
	job.armed.Store(true)
	defer job.watchdog.Stop()

	feeding, stop := context.WithCancel(ctx)
	var taking sync.WaitGroup
	taking.Go(func() {
		defer stop()
		job.take(&how)
	})
	next, err := job.feed(feeding)
	if next == nil || child.Finish() != nil {
		child.Interrupt()
	}
	job.watchdog.Reset(c.cfg.Timeout)
	taking.Wait()
	child.Close()
	switch {
	case next != nil:
		return next, nil
	case job.hung.Load():
		return nil, fmt.Errorf("%w: no picture for %s: %s", ffmpeg.ErrFailed, c.cfg.Timeout, child.Complaints())
	case errors.Is(err, context.Canceled):
		return nil, fmt.Errorf("%w: it ended early: %s", ffmpeg.ErrFailed, child.Complaints())
	default:
		return nil, fmt.Errorf("%w: %s", err, child.Complaints())
	}
}
