package modelstore

import (
	"errors"
	"fmt"
)

// ErrKind is a model that does other work than the one asked for.
var ErrKind = errors.New("model does not detect objects")

// preference lists the models to use when nobody names one, best first.
func preference() []string {
	return []string{"yolox-nano", "mobilenet-ssd-voc", "yolo-fastest-1.1-xl"}
}

// Choose returns the model to detect objects with. A wanted one must be
// installed, or the error says how to install it; face detectors that find
// landmarks, and embeddings, are ErrKind. When wanted is empty it is the first of
// the preferred ones that is installed, with a warning in the log for any that
// is there but corrupt; found is false when there is none, and
// the caller falls back on the built-in weak detector, saying so.
func Choose(s *Store, wanted string) (m Model, found bool, err error) {
	if wanted != "" {
		if m, err = s.Model(wanted); err != nil {
			return Model{}, false, err
		}
		if m.Kind == KindEmbedding {
			return Model{}, false, fmt.Errorf("%w: %s tells faces apart: use it with \"porchlight faces identify --embedding %s\"", ErrKind, m.Name, m.Name)
		}
		if m.HasLandmarks() {
			return Model{}, false, fmt.Errorf("%w: %s finds faces: use it with \"porchlight faces detect --model %s\"", ErrKind, m.Name, m.Name)
		}
		if err := s.Verify(wanted); err != nil {
			return Model{}, false, err
		}
		return m, true, nil
	}
	for _, name := range preference() {
		m, err := s.Model(name)
		if err != nil {
			continue // another manifest
		}
		err = s.Verify(name)
		if err == nil {
			return m, true, nil
		}
		if errors.Is(err, ErrCorrupt) {
			s.cfg.Log.Warn("model passed over", "model", name, "error", err)
		}
	}
	return Model{}, false, nil
}

// ErrNoEmbedding is that no model is installed that tells faces apart.
var ErrNoEmbedding = errors.New("face recognition is unavailable: no embedding model is installed")

// ErrNotEmbedding is a model that cannot tell faces apart.
var ErrNotEmbedding = errors.New("model does not tell faces apart")

// ChooseEmbedding returns the model to tell faces apart with: the wanted one,
// or the first installed one of the manifest. Its files are verified when they
// are loaded. Errors are ErrNotEmbedding, ErrNoEmbedding with the cure, and
// those of Verify.
func ChooseEmbedding(s *Store, wanted string) (Model, error) {
	if wanted != "" {
		m, err := s.Model(wanted)
		if err != nil {
			return Model{}, err
		}
		if m.Kind != KindEmbedding {
			return Model{}, fmt.Errorf("%w: %s: choose one that \"porchlight models list\" shows as embedding", ErrNotEmbedding, wanted)
		}
		return m, s.Verify(wanted)
	}
	cause := error(nil)
	for _, m := range s.Models() {
		if m.Kind != KindEmbedding {
			continue
		}
		err := s.Verify(m.Name)
		if err == nil {
			return m, nil
		}
		if errors.Is(err, ErrCorrupt) {
			cause = err
		}
	}
	if cause != nil {
		return Model{}, fmt.Errorf("%w: %w", ErrNoEmbedding, cause)
	}
	return Model{}, fmt.Errorf("%w: porchlight models pull sface", ErrNoEmbedding)
}
