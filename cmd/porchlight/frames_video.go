//go:build cgo

package main

import (
	"context"
	"log/slog"

	"porchlight/internal/capture"
	"porchlight/internal/event"
)

// openVideo calls do with every frame of a video file in order, at full size
// and as fast as do takes them, and returns do's first error.
func openVideo(ctx context.Context, path string, do func(*event.Frame) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := capture.Run(ctx, capture.Config{
		Name: path, URL: path, Pace: capture.FullSpeed, Log: slog.New(slog.DiscardHandler),
	}, func(f *event.Frame) {
		if ctx.Err() != nil {
			return
		}
		if err := do(f); err != nil {
			cancel(err)
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
