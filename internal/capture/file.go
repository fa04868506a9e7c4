package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"porchlight/internal/capture/ffmpeg"
)

// clock paces a file and gives its frames their wall-clock times.
type clock struct {
	start time.Time
	pace  Pace
}

// at waits, at real-time pace, until the moment of offset, and returns it.
func (c *clock) at(ctx context.Context, offset time.Duration) time.Time {
	moment := c.start.Add(offset)
	if c.pace == RealTime {
		sleep(ctx, time.Until(moment))
	}
	return moment
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// fileSource plays a video file.
type fileSource struct {
	cfg  Config
	path string
	fps  float64 // of the file, 0 if not known

	packets *ffmpeg.PacketConfig // nil when there are none
	outlet  *outlet
}

func (s *fileSource) live() bool { return false }

func (s *fileSource) play(ctx context.Context, p *player) error {
	clock := clock{start: time.Now(), pace: s.cfg.Pace}
	for base := time.Duration(0); ; {
		end, err := s.once(ctx, p, &clock, base)
		if s.packets != nil && errors.Is(err, ErrNotVideo) {
			s.cfg.Log.Warn("the file is neither recorded nor shown live, only watched", "error", err)
			s.packets = nil
			continue
		}
		if err != nil || !s.cfg.Loop {
			return err
		}
		base = end
	}
}

// once plays the file from base and returns where the next round begins.
func (s *fileSource) once(ctx context.Context, p *player, clock *clock, base time.Duration) (time.Duration, error) {
	dec, err := ffmpeg.Decode(ctx, ffmpeg.DecodeConfig{
		Input: ffmpeg.FileInput(s.path), FPS: s.cfg.FPS, MaxWidth: s.cfg.MaxWidth, Packets: s.packets,
	})
	if err != nil {
		return 0, err
	}
	var publishing sync.WaitGroup
	var published time.Duration
	defer publishing.Wait()
	defer dec.Close()
	if s.packets != nil {
		publishing.Go(func() { published = s.publish(ctx, dec.Packets(), clock, base) })
	}
	frames, last := 0, time.Duration(0)
	for ctx.Err() == nil {
		pic, err := dec.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) && frames == 0 {
				return 0, fmt.Errorf("%w: %s: %w", ErrNotVideo, s.path, err)
			}
			if !errors.Is(err, io.EOF) {
				return 0, fmt.Errorf("%s after %d frames: %w; the file may be cut short, copy it again", s.path, frames, err)
			}
			break
		}
		frames, last = frames+1, pic.PTS
		p.show(pic, clock.at(ctx, base+pic.PTS), base+pic.PTS)
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if frames == 0 {
		return 0, fmt.Errorf("%w: %s: no frame could be decoded: %s", ErrNotVideo, s.path, dec.Complaints())
	}
	if said := dec.Complaints(); said != "" {
		s.cfg.Log.Warn("file is damaged; what could be decoded was played", "path", s.path, "frames", frames, "decoder", said)
	}
	publishing.Wait()
	if published > base+last {
		return published, ctx.Err()
	}
	return base + last + s.interval(s.cfg.FPS), nil
}

// interval is how long the last frame, of limit frames a second at most, 0
// for all, stays before the next round.
func (s *fileSource) interval(limit float64) time.Duration {
	fps := s.fps
	if fps <= 0 {
		fps = 25
	}
	if limit > 0 {
		fps = min(fps, limit)
	}
	return time.Duration(float64(time.Second) / fps)
}
