package main

import (
	"cmp"
	"log/slog"
	"os"

	"porchlight/internal/config"
	"porchlight/internal/edge"
	"porchlight/internal/edge/update"
	"porchlight/internal/event"
	"porchlight/internal/face/gallery"
	"porchlight/internal/modelstore"
	"porchlight/internal/pipeline"
	"porchlight/internal/vision"
	"porchlight/models"
)

// opener opens the networks of a configuration.
func opener(log *slog.Logger) func(*config.Config, update.ModelRef) (*edge.Eyes, error) {
	return func(cfg *config.Config, brought update.ModelRef) (*edge.Eyes, error) {
		return openEyes(cfg, brought, log)
	}
}

// openEyes opens the model that an update has brought, or the configured one,
// or the best one installed.
func openEyes(cfg *config.Config, brought update.ModelRef, log *slog.Logger) (*edge.Eyes, error) {
	store, err := openStore(cfg.Detector, brought.Overlay, log)
	if err != nil {
		return nil, err
	}
	if err := vision.SetThreads(cfg.Detector.Threads); err != nil {
		return nil, err
	}
	detector, err := vision.Open(store, cmp.Or(brought.Name, cfg.Detector.Model), min(cfg.Detector.MinScore, pipeline.WeakScore))
	if err != nil {
		return nil, err
	}
	identify, done := openIdentifier(store, cfg.Recognition, log)
	return &edge.Eyes{
		Detector: detector, Input: detector.Input(), Info: event.Detector{Model: detector.Model(), Weak: detector.Weak()},
		Faces: func(f config.Faces) (edge.FaceDetector, error) {
			return vision.OpenFaces(store, f.Detector, f.MinSize)
		},
		Identify: identify, Done: done,
	}, nil
}

func openStore(cfg config.Detector, overlay string, log *slog.Logger) (*modelstore.Store, error) {
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
	return modelstore.New(modelstore.Config{Dir: dir, Manifest: models.Manifest(), Overlay: overlay, Log: log})
}

// openIdentifier opens the gallery and the network that tells faces apart.
// Without either the cameras go on and name nobody, and it is said why.
func openIdentifier(store *modelstore.Store, cfg config.Recognition, log *slog.Logger) (pipeline.Identifier, func()) {
	if cfg.Gallery == "" {
		return nil, nil
	}
	embedder, err := vision.OpenEmbedder(store, cfg.Model)
	if err != nil {
		log.Warn("faces stay without a name", "error", err)
		return nil, nil
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
		return nil, nil
	}
	return identifier, done
}
