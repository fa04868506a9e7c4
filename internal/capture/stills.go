package capture

import (
	"context"
	"fmt"
	"time"

	"porchlight/internal/capture/ffmpeg"
)

// stillsSource shows pictures one after the other.
type stillsSource struct {
	cfg   Config
	files []string
}

func (s *stillsSource) live() bool { return false }

func (s *stillsSource) play(ctx context.Context, p *player) error {
	if s.cfg.Packets != nil {
		s.cfg.Log.Info("single pictures are only watched, neither recorded nor shown live; make a video of them for that")
	}
	fps := s.cfg.FPS
	if fps == 0 {
		fps = 1
	}
	clock := clock{start: time.Now(), pace: s.cfg.Pace}
	for n := 0; ; {
		shown := 0
		var fault error
		for _, file := range s.files {
			pic, err := ffmpeg.DecodeStill(ctx, file, s.cfg.MaxWidth)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				fault = fmt.Errorf("%w: %s: %w", ErrNotVideo, file, err)
				s.cfg.Log.Warn("picture left out", "error", fault)
				continue
			}
			offset := time.Duration(float64(n) * float64(time.Second) / fps)
			p.show(pic, clock.at(ctx, offset), offset)
			n++
			shown++
		}
		if shown == 0 {
			return fault
		}
		if !s.cfg.Loop {
			return nil
		}
	}
}
