//go:build cgo

package main

import (
	"context"
	"errors"

	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision"
)

// Run detects in every file. A bad file is reported and the others are still
// done.
func (c *DetectCmd) Run(ctx context.Context, streams *Streams) error {
	store, err := c.Store(streams)
	if err != nil {
		return err
	}
	detector, err := vision.Open(store, c.Model, c.MinScore)
	if errors.Is(err, modelstore.ErrUnknownModel) || errors.Is(err, modelstore.ErrKind) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	defer func() { _ = detector.Close() }()
	if detector.Weak() {
		streams.Log.WarnContext(ctx, "no model is installed: using the built-in people detector, which is weak",
			"model", detector.Model(), "cure", "porchlight models pull")
	}
	out := newDetectPrinter(streams.Stdout, c.JSON)
	return eachFile(ctx, streams, c.Files, out.close, func(file string, f *event.Frame) error {
		found, err := detector.Detect(ctx, f)
		if err != nil {
			return err
		}
		return out.print(file, f, found)
	})
}
