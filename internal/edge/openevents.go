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
	if err := writeSynced(temporary, data); err != nil {
		return err
	}
	return os.Rename(temporary, o.path(e.Camera))
}

// writeSynced returns once data is on the disk, so that a rename after it never
// leaves an empty file behind a power cut.
func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// list returns the events that are still noted as open. A damaged note is
// removed and reported.
func (o *openEvents) list() ([]event.Event, error) {
	entries, err := os.ReadDir(o.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var events []event.Event
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		file := filepath.Join(o.dir, entry.Name())
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
