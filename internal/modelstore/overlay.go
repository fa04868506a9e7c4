package modelstore

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
)

// overlay reads the manifest of the overlay. A model of a name that is known
// takes its place; label lists that are known need not be repeated.
func (s *Store) overlay() error {
	if s.cfg.Overlay == "" {
		return nil
	}
	path := filepath.Join(s.cfg.Overlay, "manifest.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("models laid over the others: %w", err)
	}
	m, err := ParseOverlay(data, s.labels)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	s.know(m)
	for _, model := range m.Models {
		s.replace(model)
	}
	return nil
}

func (s *Store) replace(model Model) {
	for i := range s.models {
		if s.models[i].Name == model.Name {
			s.models[i] = model
			return
		}
	}
	s.models = append(s.models, model)
}

func (s *Store) know(m *Manifest) { maps.Copy(s.labels, m.Labels) }

// Labels returns the label lists of all manifests, by name.
func (s *Store) Labels() map[string][]string { return maps.Clone(s.labels) }

// dirs are the folders that files are looked for in, in their order.
func (s *Store) dirs() []string {
	if s.cfg.Overlay == "" {
		return []string{s.cfg.Dir}
	}
	return []string{s.cfg.Overlay, s.cfg.Dir}
}
