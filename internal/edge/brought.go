package edge

import (
	"log/slog"

	"porchlight/internal/config"
	"porchlight/internal/edge/update"
)

// brought is the model that an update has brought, over all lives of the
// process: that it is asked for counts as a start of a model on trial.
type brought struct {
	known                bool
	stateDir, configured string // for which it was asked
	model                update.ModelRef
}

func (b *brought) choose(cfg *config.Config, log *slog.Logger) update.ModelRef {
	if b.known && b.stateDir == cfg.StateDir && b.configured == cfg.Detector.Model {
		return b.model
	}
	m, err := update.ActiveModel(cfg.StateDir, cfg.Detector.Model, log)
	if err != nil {
		log.Error("the configured model is used, not one that an update may have brought", "error", err)
		m = update.ModelRef{}
	}
	*b = brought{known: true, stateDir: cfg.StateDir, configured: cfg.Detector.Model, model: m}
	return m
}

// drop leaves the model, which cannot be opened.
func (b *brought) drop(cfg *config.Config, reason error) error {
	b.known = false
	return update.DropModel(cfg.StateDir, b.model, reason)
}
