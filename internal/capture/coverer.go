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
