package main

import (
	"log/slog"

	"porchlight/internal/config"
	"porchlight/internal/edge"
	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision"
	"porchlight/models"
)

// openDetector opens the configured model, or the best one installed.
func openDetector(cfg config.Detector, log *slog.Logger) (edge.Detector, event.Detector, error) {
	none := event.Detector{}
	dir := cfg.Models
	if dir == "" {
		var err error
		if dir, err = modelstore.DefaultDir(); err != nil {
			return nil, none, err
		}
	}
	store, err := modelstore.New(modelstore.Config{Dir: dir, Manifest: models.Manifest(), Log: log})
	if err != nil {
		return nil, none, err
	}
	if err := vision.SetThreads(cfg.Threads); err != nil {
		return nil, none, err
	}
	detector, err := vision.Open(store, cfg.Model, cfg.MinScore)
	if err != nil {
		return nil, none, err
	}
	return detector, event.Detector{Model: detector.Model(), Weak: detector.Weak()}, nil
}
