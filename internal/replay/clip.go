package replay

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"time"

	"porchlight/internal/capture"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// clip replays one file.
func (r *run) clip(ctx context.Context, n int) Clip {
	c := Clip{File: r.cfg.Files[n]}
	if ctx.Err() != nil {
		c.Error = "not played: " + ctx.Err().Error()
		return c
	}
	playing, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	out := &sink{run: r, file: c.File}
	var movie *film
	cfg := pipeline.Config{
		Camera: event.CameraID("replay", cameraName(c.File)), Settings: r.settings, Detector: r.cfg.Detector, Input: r.cfg.Input,
		Sink: out, Model: r.cfg.Model, MinScore: r.cfg.MinScore, Log: r.cfg.Log,
	}
	if r.cfg.Films != nil {
		movie = newFilm(r.cfg.Films[n], r.settings)
		filming := context.WithoutCancel(ctx) // what there is becomes a film also when this is interrupted
		cfg.OnView = func(v *pipeline.View) {
			if err := movie.show(filming, v); err != nil {
				stop(err)
			}
		}
	}
	if r.cfg.Faces != nil {
		faces, err := r.cfg.Faces()
		if err != nil {
			c.Error = err.Error()
			r.tellFault(c)
			return c
		}
		defer func() { _ = faces.Close() }() // nothing is lost by a failure
		cfg.Faces = faces
	}
	line := pipeline.New(cfg)
	shown := time.Duration(0)
	err := capture.Run(playing, capture.Config{
		Name: cfg.Camera, URL: c.File, FPS: r.settings.FPS, MaxWidth: r.settings.MaxWidth,
		Pace: capture.FullSpeed, Loop: r.cfg.Length > 0, Log: r.cfg.Log,
	}, func(f *event.Frame) {
		switch {
		case playing.Err() != nil:
			return
		case r.cfg.Length > 0 && f.Offset >= r.cfg.Length:
			stop(errShown)
			return
		}
		out.origin = event.At(f.Time.Add(-f.Offset)).Time
		shown = f.Offset
		if err := line.Handle(playing, f); err != nil {
			stop(err)
			return
		}
		r.tellProgress(c.File, shown)
	})
	if cause := context.Cause(playing); cause != nil && !errors.Is(cause, errShown) && ctx.Err() == nil {
		err = errors.Join(err, cause)
	}
	// What is open ends also when this was interrupted.
	err = errors.Join(err, line.Close(context.WithoutCancel(ctx)))
	if movie != nil {
		err = errors.Join(err, movie.close())
		c.Film = movie.made
	}
	stats := line.Stats()
	c.Frames, c.Looked, c.Inferences, c.Events, c.Video = stats.Frames, stats.Looks, stats.Inferences, stats.Events, shown.Seconds()
	switch {
	case err != nil:
		c.Error = err.Error()
		r.tellFault(c)
	case ctx.Err() != nil:
		c.Error = "not played to its end: " + ctx.Err().Error()
	}
	return c
}

// sink turns the pipeline's events into those of a replay.
type sink struct {
	run    *run
	file   string
	origin time.Time // of the video, in whole milliseconds as events are
}

// Publish implements pipeline.Sink.
func (s *sink) Publish(_ context.Context, e event.Event, _ []byte) error {
	out := Event{Event: e, File: s.file, Start: s.seconds(e.StartedAt)}
	if e.EndedAt != nil {
		end := s.seconds(*e.EndedAt)
		out.End = &end
	}
	return s.run.tellEvent(out)
}

func (s *sink) seconds(at event.Time) float64 {
	return math.Round(at.Sub(s.origin).Seconds()*1e3) / 1e3
}

// cameraName makes the name of a camera of that of a file.
func cameraName(file string) string {
	stem := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '-'
	}, stem)
	const longest = 64 // of a camera's name
	if name == "" {
		return "video"
	}
	return name[:min(len(name), longest)]
}
