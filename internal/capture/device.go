package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"porchlight/internal/capture/ffmpeg"
	"porchlight/internal/event"
)

// deviceSource is a USB camera, read through Video4Linux by the decoder child.
type deviceSource struct {
	cfg  Config
	path string
}

// devicePackets says how the packets of a live input are made, nil when there
// are to be none.
func devicePackets(ctx context.Context, cfg *Config) *ffmpeg.PacketConfig {
	if cfg.Packets == nil {
		return nil
	}
	return encoded(ctx, cfg, ffmpeg.PacketConfig{}, "its own encoding is not known", ffmpeg.Info{})
}

func (s *deviceSource) live() bool { return true }

func (s *deviceSource) play(ctx context.Context, p *player) error {
	retry := backoff{min: s.cfg.retryMin, max: s.cfg.retryMax}
	packets := devicePackets(ctx, &s.cfg)
	barren := 0 // attempts without a picture, one after the other
	for {
		began, shown := time.Now(), p.sequence
		err := s.check()
		if err == nil {
			// Timestamps become wall-clock times, which copyts leaves alone.
			input := []string{"-copyts", "-f", "v4l2", "-timestamps", "abs", "-i", s.path}
			how := packets
			if barren%2 == 1 {
				how = nil // what cannot be encoded may still be watched
			}
			err = playLive(ctx, s.cfg, p, input, how)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if barren++; p.sequence > shown {
			barren = 0
		}
		p.states.set(event.CameraFailed, err)
		if time.Since(began) > s.cfg.retryMax {
			retry.reset()
		}
		sleep(ctx, retry.delay())
	}
}

func (s *deviceSource) check() error {
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s does not exist; plug the camera in", ErrNotFound, s.path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: no permission to open %s; add the user to the video group: sudo usermod -aG video $USER",
			ErrUnauthorized, s.path)
	default:
		return fmt.Errorf("%w: %s: %w", ErrUnreachable, s.path, err)
	}
}

// playLive shows the pictures of a live input that the child opens itself
// until the input ends or sends nothing for the timeout, and makes packets of
// it as told, if at all.
func playLive(ctx context.Context, cfg Config, p *player, input []string, packets *ffmpeg.PacketConfig) error {
	dec, err := ffmpeg.Decode(ctx, ffmpeg.DecodeConfig{Input: input, FPS: cfg.FPS, MaxWidth: cfg.MaxWidth, Packets: packets})
	if err != nil {
		return err
	}
	var publishing sync.WaitGroup
	defer publishing.Wait()
	defer dec.Close()
	if packets != nil {
		publishing.Go(func() { publishLive(&cfg, dec.Packets(), packets) })
	}
	var stalled atomic.Bool
	watchdog := time.AfterFunc(cfg.silence(), func() {
		stalled.Store(true)
		dec.Interrupt()
	})
	defer watchdog.Stop()
	start := time.Now()
	for {
		pic, err := dec.Next()
		switch {
		case stalled.Load():
			return fmt.Errorf("%w for %s; check the camera", ErrStalled, cfg.silence())
		case errors.Is(err, io.EOF):
			return fmt.Errorf("%w: the stream has ended: %s", ErrStalled, dec.Complaints())
		case err != nil:
			return fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		watchdog.Reset(cfg.silence())
		at := liveTime(pic.PTS, time.Now())
		p.show(pic, at, at.Sub(start))
	}
}

// liveTime is when a picture was taken that a live input stamped so and that
// is here now: the stamp is of the wall clock, if the driver knows how.
func liveTime(stamp time.Duration, now time.Time) time.Time {
	if at := time.UnixMilli(stamp.Milliseconds()); now.Sub(at).Abs() < maxClockSkew {
		return at
	}
	return now
}

// publishLive puts the packets of a live input on the bus until it ends.
func publishLive(cfg *Config, packets io.Reader, how *ffmpeg.PacketConfig) {
	units := ffmpeg.NewUnits(packets, time.Duration(time.Now().UnixNano()))
	outlet, weave := newOutlet(cfg, how), weave{bus: cfg.Packets}
	begin := time.Duration(-1)
	for {
		u, err := units.Next()
		if err != nil {
			_, _ = io.Copy(io.Discard, packets) // or the child would wait for that
			return
		}
		now := time.Now()
		if begin < 0 {
			begin = u.PTS
		}
		for _, p := range outlet.packets(u, -begin, func(pts time.Duration) time.Time { return liveTime(begin+pts, now) }) {
			weave.video(p)
		}
	}
}

// silence is how long a decoder may take for its next picture.
func (c *Config) silence() time.Duration {
	if c.FPS > 0 {
		return c.Timeout + time.Duration(float64(time.Second)/c.FPS)
	}
	return c.Timeout
}
