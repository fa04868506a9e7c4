package modelstore

import (
	"errors"
	"os"
	"path/filepath"
)

// State of a model in a store.
type State string

// The states of a model.
const (
	Installed State = "installed" // all there, hashes right
	Missing   State = "missing"
	Partial   State = "partial" // a download was interrupted; Pull resumes it
	Corrupt   State = "corrupt"
)

// Status is a model and what the store has of it.
type Status struct {
	Model Model
	State State
	Err   error // why it is not installed; nil when it is
}

// List tells the state of every model in the manifest's order. It reads and
// hashes all their files.
func (s *Store) List() []Status {
	list := make([]Status, 0, len(s.models))
	for _, m := range s.models {
		err := s.Verify(m.Name)
		st := Status{Model: m, State: Installed, Err: err}
		switch {
		case errors.Is(err, ErrCorrupt):
			st.State = Corrupt
		case err != nil && s.partial(m):
			st.State = Partial
		case err != nil:
			st.State = Missing
		}
		list = append(list, st)
	}
	return list
}

func (s *Store) partial(m Model) bool {
	for _, f := range m.Files {
		if _, err := os.Stat(s.partPath(m, f)); err == nil {
			return true
		}
		if len(lookup(s.cfg.Dir, f.Name)) > 0 {
			return true
		}
	}
	return false
}

// path is where Pull puts a file.
func (s *Store) path(m Model, f File) string { return filepath.Join(s.cfg.Dir, m.Name, f.Name) }

func (s *Store) partPath(m Model, f File) string { return s.path(m, f) + ".part" }
