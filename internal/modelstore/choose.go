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
// landmarks are ErrKind. When wanted is empty it is the first of
// the preferred ones that is installed, with a warning in the log for any that
// is there but corrupt; found is false when there is none, and
// the caller falls back on the built-in weak detector, saying so.
func Choose(s *Store, wanted string) (m Model, found bool, err error) {
	if wanted != "" {
		if m, err = s.Model(wanted); err != nil {
			return Model{}, false, err
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
