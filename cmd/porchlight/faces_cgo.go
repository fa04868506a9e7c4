//go:build cgo

package main

import (
	"context"
	"errors"

	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision"
)

// Run finds faces in every file. A bad file is reported and the others are
// still done.
func (c *FacesDetectCmd) Run(ctx context.Context, streams *Streams) error {
	store, err := c.Store(streams)
	if err != nil {
		return err
	}
	detector, err := vision.OpenFaces(store, c.Model, c.MinFace)
	if errors.Is(err, modelstore.ErrUnknownModel) || errors.Is(err, vision.ErrNoFaces) || errors.Is(err, vision.ErrMinFace) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	defer func() { _ = detector.Close() }()
	out := newFacePrinter(streams.Stdout, c.JSON)
	return eachFile(ctx, streams, c.Files, out.close, func(file string, f *event.Frame) error {
		found, err := detector.Faces(ctx, f)
		if err != nil {
			return err
		}
		return out.print(file, f, found)
	})
}
