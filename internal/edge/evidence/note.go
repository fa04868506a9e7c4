package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"porchlight/internal/atomicfile"
)

// note is what of a camera's evidence has to survive a restart.
type note struct {
	Day    string  `json:"day"`   // like 2026-11-21, by the device's calendar
	Bytes  int64   `json:"bytes"` // uploaded on that day
	Manual *manual `json:"manual,omitempty"`
}

// manual is a recording that a command began.
type manual struct {
	Begin time.Time `json:"begin"`
	Until time.Time `json:"until"`
}

// spend counts bytes that were uploaded at a time, in the device's time zone,
// and returns how many it were that day. A clock that is set back by a little
// at midnight does not begin the day before again.
func (n *note) spend(bytes int64, now time.Time) int64 {
	day, next := now.Format(time.DateOnly), now.AddDate(0, 0, 1).Format(time.DateOnly)
	if day != n.Day && next != n.Day {
		n.Day, n.Bytes = day, 0
	}
	n.Bytes += bytes
	return n.Bytes
}

// maxNote bounds the file of a note, in bytes.
const maxNote = 4 << 10

// readNote reads a note; a file that is not there is an empty one.
func readNote(path string) (note, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return note{}, nil
	}
	var n note
	switch {
	case err != nil:
		return note{}, err
	case len(data) > maxNote:
		return note{}, fmt.Errorf("%s has %d bytes, the most is %d", path, len(data), maxNote)
	}
	if err := json.Unmarshal(data, &n); err != nil {
		return note{}, fmt.Errorf("%s: %w", path, err)
	}
	n.Bytes = min(max(n.Bytes, 0), 1<<60) // room to count on
	return n, nil
}

func (n note) write(path string) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(path, data, 0o600)
}
