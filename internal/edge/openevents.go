package edge

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"porchlight/internal/event"
)

// openEvents keeps one small file for each event that has not ended, so that
// a start after a crash can end it.
type openEvents struct{ dir string }

func (o *openEvents) path(camera string) string { return filepath.Join(o.dir, camera+".json") }

func (o *openEvents) keep(e event.Event) error {
	if e.State == event.Ended {
		err := os.Remove(o.path(e.Camera))
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	}
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	temporary := o.path(e.Camera) + ".tmp"
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, o.path(e.Camera))
}

// list returns the events that are still noted as open. A damaged note is
// removed and reported.
func (o *openEvents) list() ([]event.Event, error) {
	files, err := filepath.Glob(filepath.Join(o.dir, "*.json"))
	var events []event.Event
	for _, file := range files {
		data, readErr := os.ReadFile(file)
		if readErr != nil {
			err = errors.Join(err, readErr)
			continue
		}
		e, parseErr := event.Parse(data)
		if parseErr != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", file, parseErr), os.Remove(file))
			continue
		}
		events = append(events, *e)
	}
	return events, err
}
