package update

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"porchlight/internal/edge/update/slot"
	"porchlight/internal/event"
	"porchlight/internal/modelstore"
)

// ModelRef names a model. The zero value is the configured one, without any
// update.
type ModelRef struct {
	Name    string // in the manifest of the overlay
	Overlay string // for modelstore.Config
}

// Models is what model updates need of the agent. All fields but Detect and
// Labels are required.
type Models struct {
	// Configured is the model that the configuration names, or "". When the
	// owner changes it, that counts more than any update.
	Configured string
	// Labels are the label lists that devices know, by name.
	Labels map[string][]string
	// Activate makes the cameras use a model from now on. It is also called
	// with the one that is active.
	Activate func(ctx context.Context, m ModelRef) error
	// Healthy returns nil once the active model has proved itself: it opens,
	// runs on a picture, and the cameras deliver inferences.
	Healthy func(ctx context.Context) error
	// Detect runs the active model on a picture; nil: jobs with a probe are
	// rejected.
	Detect func(ctx context.Context, f *event.Frame) ([]event.Detection, error)
}

func modelSlot(stateDir string) slot.Slot {
	return slot.At(filepath.Join(stateDir, "update", "model.json"))
}

func modelFolder(stateDir, id string) string { return filepath.Join(stateDir, "update", "models", id) }

// ActiveModel says which model to begin with. The program calls it once at
// its start, before it opens any, because starts of a model on trial count. A
// model whose files cannot be read is left for the one before.
func ActiveModel(stateDir, configured string, log *slog.Logger) (ModelRef, error) {
	for s := modelSlot(stateDir); ; {
		before, err := s.Read()
		if err != nil {
			return ModelRef{}, fmt.Errorf("which model is active: %w", err)
		}
		if before == (slot.Choice{}) {
			return ModelRef{}, nil // nothing was ever updated: nothing is written
		}
		c, err := s.Start(configured)
		if err != nil {
			return ModelRef{}, fmt.Errorf("which model is active: %w", err)
		}
		if c.Failed != "" && before.Current == c.Failed {
			log.Warn("an updated model is not used any more", "model", c.Failed, "reason", c.Reason)
		}
		ref, err := modelRef(stateDir, c.Current)
		if err == nil {
			return ref, nil
		}
		log.Error("an updated model cannot be read and is not used any more", "model", c.Current, "error", err)
		if err := s.Drop(c.Current, "its files cannot be read"); err != nil {
			return ModelRef{}, err
		}
	}
}

// DropModel leaves a model that ActiveModel returned and that cannot be
// opened. The program asks ActiveModel again.
func DropModel(stateDir string, m ModelRef, reason error) error {
	return modelSlot(stateDir).Drop(filepath.Base(m.Overlay), reason.Error())
}

// modelRef reads what the folder of an id holds.
func modelRef(stateDir, id string) (ModelRef, error) {
	if id == "" {
		return ModelRef{}, nil
	}
	folder := modelFolder(stateDir, id)
	data, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	if err != nil {
		return ModelRef{}, err
	}
	var m modelstore.Manifest
	if err := json.Unmarshal(data, &m); err != nil || len(m.Models) != 1 {
		return ModelRef{}, fmt.Errorf("%s: not the manifest of one model", folder)
	}
	return ModelRef{Name: m.Models[0].Name, Overlay: folder}, nil
}

// modelID tells models apart by what they are, wherever they came from.
func modelID(d *Document) (string, error) {
	manifest, err := d.manifest()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(manifest)
	return d.Model.Name + "-" + hex.EncodeToString(sum[:8]), nil
}

// model does a model update, from wherever an earlier process left it.
func (u *Updater) model(ctx context.Context, j *job, d *Document, steps *reporter) (map[string]string, error) {
	if d.Probe != nil && u.cfg.Models.Detect == nil {
		return nil, fmt.Errorf("%w: this device cannot run a probe", errRejected)
	}
	id, err := modelID(d)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFailed, err)
	}
	details := map[string]string{"model": d.Model.Name, "id": id}
	s := modelSlot(u.cfg.StateDir)
	c, err := s.Read()
	if err != nil {
		return details, fmt.Errorf("%w: %w", errState, err)
	}
	switch {
	case c.Failed == id && c.Owner == j.key():
		return details, fmt.Errorf("%w, rolled back: %s", errFailed, c.Reason)
	case c.Current == id && !c.Trial && u.installed(d, id) == nil:
		return details, nil // another execution did it
	case c.Current == id && c.Trial && c.Owner == j.key():
	default:
		if err := u.installModel(steps, d, id); err != nil {
			return details, fmt.Errorf("%w: %w", errFailed, err)
		}
	}
	if err := s.Try(id, j.key(), u.cfg.Models.Configured); err != nil {
		return details, fmt.Errorf("%w: %w", errState, err)
	}
	failed := u.proveModel(ctx, d, id, steps)
	if ctx.Err() != nil {
		return details, ctx.Err() // the next start goes on with the trial
	}
	if failed == nil {
		failed = s.Confirm(id)
	}
	if failed != nil {
		return details, u.rollBackModel(ctx, s, id, failed, steps)
	}
	u.sweep(filepath.Join(u.cfg.StateDir, "update", "models"), s)
	return details, nil
}
