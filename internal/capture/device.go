package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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

func (s *deviceSource) live() bool { return true }

func (s *deviceSource) play(ctx context.Context, p *player) error {
	retry := backoff{min: s.cfg.retryMin, max: s.cfg.retryMax}
	for {
		began := time.Now()
		err := s.check()
		if err == nil {
			// Timestamps become wall-clock times, which copyts leaves alone.
			input := []string{"-copyts", "-f", "v4l2", "-timestamps", "abs", "-i", s.path}
			err = playLive(ctx, s.cfg, p, input)
		}
		if ctx.Err() != nil {
			return ctx.Err()
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
// until the input ends or sends nothing for the timeout.
func playLive(ctx context.Context, cfg Config, p *player, input []string) error {
	dec, err := ffmpeg.Decode(ctx, ffmpeg.DecodeConfig{Input: input, FPS: cfg.FPS, MaxWidth: cfg.MaxWidth})
	if err != nil {
		return err
	}
	defer dec.Close()
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
		at := time.Now()
		if stamp := time.UnixMilli(pic.PTS.Milliseconds()); at.Sub(stamp).Abs() < maxClockSkew {
			at = stamp
		}
		p.show(pic, at, at.Sub(start))
	}
}

// silence is how long a decoder may take for its next picture.
func (c *Config) silence() time.Duration {
	if c.FPS > 0 {
		return c.Timeout + time.Duration(float64(time.Second)/c.FPS)
	}
	return c.Timeout
}
