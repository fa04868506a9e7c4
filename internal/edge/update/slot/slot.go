// Package slot remembers which of several versions of a thing is in use, puts
// a new one on trial, and goes back to the one before when the new one does
// not prove itself: not within a few starts of the program, or because someone
// says so.
//
// All of it is one small file that is replaced atomically, so that a power cut
// at any moment leaves a choice that holds.
package slot

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"porchlight/internal/atomicfile"
	"syscall"
)

// MostStarts is how often a program may start with a version on trial before
// that version has failed.
const MostStarts = 2

// ErrNotCurrent is a version that is not, or no longer, the one in use.
var ErrNotCurrent = errors.New("another version is in use")

// Choice is what a slot holds. A version is named by its id; "" is what was
// installed with the device.
type Choice struct {
	Current  string `json:"current"`
	Previous string `json:"previous"`
	Trial    bool   `json:"trial,omitempty"`  // Current has not proved itself yet
	Starts   int    `json:"starts,omitempty"` // of the program in this trial
	Owner    string `json:"owner,omitempty"`  // who began the last trial
	Basis    string `json:"basis,omitempty"`  // what was installed with the device when it began
	Failed   string `json:"failed,omitempty"` // the version that failed it
	Reason   string `json:"reason,omitempty"` // why, for people
}

// Slot is one choice. Processes may share it.
type Slot struct{ path string }

// At is the slot in a file, which need not exist.
func At(path string) Slot { return Slot{path} }

// Read returns the choice. A file that is missing or damaged is the choice of
// what was installed with the device.
func (s Slot) Read() (Choice, error) {
	data, err := os.ReadFile(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return Choice{}, nil
	}
	if err != nil {
		return Choice{}, err
	}
	var c Choice
	if json.Unmarshal(data, &c) != nil {
		return Choice{}, nil //nolint:nilerr // damaged is as good as missing: the device must start
	}
	return c, nil
}

// Try puts a version on trial. That it is so already for the same owner is no
// error, and the trial goes on.
func (s Slot) Try(id, owner, basis string) error {
	return s.change(func(c *Choice) error {
		if c.Trial && c.Current == id && c.Owner == owner {
			return nil
		}
		previous := c.Current
		if c.Trial || previous == id {
			previous = c.Previous // what has not proved itself is nothing to go back to
		}
		*c = Choice{Current: id, Previous: previous, Trial: true, Owner: owner, Basis: basis}
		return nil
	})
}

// Start is called when the program starts, before it uses a version. One that
// had its starts in vain is left. basis is what is installed with the device
// now: when that has changed since, whoever changed it meant it to be used.
func (s Slot) Start(basis string) (Choice, error) {
	var now Choice
	err := s.change(func(c *Choice) error {
		switch {
		case c.Current != "" && c.Basis != basis:
			*c = Choice{Owner: c.Owner, Failed: c.Current, Reason: "what is installed with the device was changed meanwhile, and is used"}
		case c.Trial && c.Starts >= MostStarts:
			c.revert(fmt.Sprintf("it did not prove itself in %d starts of the program", c.Starts))
		case c.Trial:
			c.Starts++
		}
		now = *c
		return nil
	})
	return now, err
}

// Confirm ends the trial of a version: it has proved itself. It fails with
// ErrNotCurrent when the version was left meanwhile.
func (s Slot) Confirm(id string) error {
	return s.change(func(c *Choice) error {
		if c.Current != id {
			return fmt.Errorf("%w: %q, not %q: %s", ErrNotCurrent, c.Current, id, c.Reason)
		}
		c.Trial, c.Starts, c.Failed, c.Reason = false, 0, "", ""
		return nil
	})
}

// Revert leaves a version on trial for the one before. Where it is not on
// trial it does nothing.
func (s Slot) Revert(id, reason string) error {
	return s.change(func(c *Choice) error {
		if c.Trial && c.Current == id {
			c.revert(reason)
		}
		return nil
	})
}

// Drop leaves a version that cannot be used any more, on trial or not.
func (s Slot) Drop(id, reason string) error {
	return s.change(func(c *Choice) error {
		if c.Current == id {
			c.revert(reason)
		}
		if c.Previous == id {
			c.Previous = ""
		}
		return nil
	})
}

func (c *Choice) revert(reason string) {
	*c = Choice{Current: c.Previous, Owner: c.Owner, Basis: c.Basis, Failed: c.Current, Reason: reason}
}

// change edits the choice while no other process does.
func (s Slot) change(edit func(*Choice) error) error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(s.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close() // which unlocks
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", s.path, err)
	}
	before, err := s.Read()
	if err != nil {
		return err
	}
	after := before
	if err := edit(&after); err != nil || after == before {
		return err
	}
	data, err := json.Marshal(after)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(s.path, data, 0o600)
}
