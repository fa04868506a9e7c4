package main

import (
	"log/slog"
	"os"

	"porchlight/internal/config"
	"porchlight/internal/edge"
	"porchlight/internal/event"
	"porchlight/internal/face/gallery"
	"porchlight/internal/modelstore"
	"porchlight/internal/pipeline"
	"porchlight/internal/vision"
	"porchlight/models"
)

// eyes are the networks of this device.
type eyes struct {
	store    *modelstore.Store
	detector *vision.Detector
}

// openEyes opens the configured model, or the best one installed.
func openEyes(cfg config.Detector, log *slog.Logger) (*eyes, error) {
	dir := cfg.Models
	if dir == "" {
		dir = os.Getenv("PORCHLIGHT_MODELS") // set by the recipe
	}
	if dir == "" {
		var err error
		if dir, err = modelstore.DefaultDir(); err != nil {
			return nil, err
		}
	}
	store, err := modelstore.New(modelstore.Config{Dir: dir, Manifest: models.Manifest(), Log: log})
	if err != nil {
		return nil, err
	}
	if err := vision.SetThreads(cfg.Threads); err != nil {
		return nil, err
	}
	detector, err := vision.Open(store, cfg.Model, min(cfg.MinScore, pipeline.WeakScore))
	if err != nil {
		return nil, err
	}
	return &eyes{store: store, detector: detector}, nil
}

func (e *eyes) info() event.Detector {
	return event.Detector{Model: e.detector.Model(), Weak: e.detector.Weak()}
}

// faces opens a face detector for one camera.
func (e *eyes) faces(cfg config.Faces) (edge.FaceDetector, error) {
	return vision.OpenFaces(e.store, cfg.Detector, cfg.MinSize)
}

// identifier opens the gallery and the network that tells faces apart. Without
// either the cameras go on and name nobody, and it is said why.
func (e *eyes) identifier(cfg config.Recognition, log *slog.Logger) (pipeline.Identifier, func()) {
	if cfg.Gallery == "" {
		return nil, func() {}
	}
	embedder, err := vision.OpenEmbedder(e.store, cfg.Model)
	if err != nil {
		log.Warn("faces stay without a name", "error", err)
		return nil, func() {}
	}
	done := func() {
		if err := embedder.Close(); err != nil {
			log.Warn("cannot close the face network", "error", err)
		}
	}
	identifier, err := gallery.NewIdentifier(embedder, gallery.At(cfg.Gallery))
	if err != nil {
		log.Warn("faces stay without a name", "error", err)
		done()
		return nil, func() {}
	}
	return identifier, done
}
