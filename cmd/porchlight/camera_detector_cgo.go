//go:build cgo

package main

import (
	"context"
	"errors"

	"porchlight/internal/config"
	"porchlight/internal/modelstore"
	"porchlight/internal/pipeline"
	"porchlight/internal/vision"
)

// openDetector opens the wanted model for a pipeline.
func (c *CameraFlags) openDetector(ctx context.Context, streams *Streams) (*vision.Detector, error) {
	store, err := c.Store(streams)
	if err != nil {
		return nil, err
	}
	detector, err := vision.Open(store, c.Model, pipeline.WeakScore)
	if errors.Is(err, modelstore.ErrUnknownModel) {
		return nil, usageError{err}
	}
	if err != nil {
		return nil, err
	}
	if detector.Weak() {
		streams.Log.WarnContext(ctx, "no model is installed: using the built-in people detector, which is weak",
			"model", detector.Model(), "cure", "porchlight models pull")
	}
	return detector, nil
}

// openFaces returns what opens the face detector of the settings, or nil where
// they ask for none.
func (c *CameraFlags) openFaces(settings config.Faces, streams *Streams) func() (*vision.FaceDetector, error) {
	if settings.Detector == "" {
		return nil
	}
	return func() (*vision.FaceDetector, error) {
		store, err := c.Store(streams)
		if err != nil {
			return nil, err
		}
		return vision.OpenFaces(store, settings.Detector, settings.MinSize)
	}
}
