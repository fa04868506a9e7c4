//go:build cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"porchlight/internal/capture/ffmpeg"
	"porchlight/internal/replay"
)

// Run replays every video. A bad file is reported and the others are still
// done.
func (c *ReplayCmd) Run(ctx context.Context, streams *Streams) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	films, err := c.films(ctx)
	if err != nil {
		return err
	}
	detector, err := c.openDetector(ctx, streams)
	if err != nil {
		return err
	}
	defer func() { _ = detector.Close() }()

	var faces func() (replay.FaceDetector, error)
	if open := c.openFaces(settings.Faces, streams); open != nil {
		faces = func() (replay.FaceDetector, error) { return open() }
	}
	out := newReplayPrinter(streams, c.JSON, len(c.Files) > 1)
	summary, err := replay.Run(ctx, replay.Config{
		Files: c.Files, Settings: settings, Detector: detector, Input: detector.Input(), Faces: faces, Model: detector.Model(), MinScore: c.MinScore,
		Together: c.Together, Length: c.Loop, Films: films, Log: slog.New(slog.DiscardHandler),
		OnEvent: out.event, OnFault: out.fault, OnProgress: out.progress,
	})
	if err := out.summary(summary); err != nil {
		return err
	}
	if err != nil {
		return fmt.Errorf("stopped before the end: %w", err)
	}
	if bad := summary.Failed(); bad > 0 {
		return fmt.Errorf("%d of %d files could not be used", bad, len(c.Files))
	}
	return nil
}

// films says where the annotated videos go.
func (c *ReplayCmd) films(ctx context.Context) ([]string, error) {
	if c.Annotate == "" {
		return nil, nil
	}
	films, err := replay.FilmPaths(c.Annotate, c.Files)
	if err != nil {
		return nil, usageError{err}
	}
	err = ffmpeg.CheckEncode(ctx, films[0])
	if errors.Is(err, ffmpeg.ErrFileType) {
		return nil, usageError{err}
	}
	return films, err
}
