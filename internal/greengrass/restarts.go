package greengrass

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// Exits that a nucleus forgives. Nucleus lite marks a component as broken, for
// good, at the third within 3600 s.
const (
	exitsForgiven = 2
	exitsWindow   = time.Hour
)

// Restarts spaces the exits of a component out over its restarts. A void token leaves no
// other way than to exit, with a status that is not zero, and be started
// with a new one; too many exits and the component stays down.
type Restarts struct {
	// File remembers the exits; its folder exists and survives the process.
	File string
	// Now is time.Now.
	Now func() time.Time
}

// Delay says how long to wait before the process may exit.
func (r Restarts) Delay() (time.Duration, error) {
	exits, err := r.read()
	if err != nil {
		return 0, err
	}
	if len(exits) < exitsForgiven {
		return 0, nil
	}
	return exits[len(exits)-exitsForgiven].Add(exitsWindow).Sub(r.Now()), nil
}

// AwaitExit waits until the process may exit and takes note that it does. The
// component goes on with what needs no nucleus meanwhile. The error is
// that of ctx, or of the file: then the exit is not remembered.
func (r Restarts) AwaitExit(ctx context.Context) error {
	delay, err := r.Delay()
	if err != nil {
		return err
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	exits, err := r.read()
	if err != nil {
		return err
	}
	return r.write(append(exits, r.Now()))
}

// read returns the exits within the window, oldest first.
func (r Restarts) read() ([]time.Time, error) {
	now := r.Now()
	text, err := os.ReadFile(r.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("exits of the component: %w", err)
	}
	exits := parseExits(text, now)
	// A clock that was set back must not make the wait longer than the window.
	exits = slices.DeleteFunc(exits, func(t time.Time) bool { return !t.Add(exitsWindow).After(now) || t.After(now) })
	slices.SortFunc(exits, time.Time.Compare)
	return exits, nil
}

// parseExits takes what cannot be understood as if all that is forgiven had
// just been used: waiting too long is better than being broken.
func parseExits(text []byte, now time.Time) (exits []time.Time) {
	if json.Unmarshal(text, &exits) != nil {
		return slices.Repeat([]time.Time{now}, exitsForgiven)
	}
	return exits
}

func (r Restarts) write(exits []time.Time) error {
	text, err := json.Marshal(exits)
	if err == nil {
		err = os.WriteFile(r.File+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(r.File+".new", r.File)
	}
	if err != nil {
		return fmt.Errorf("exits of the component: %w", err)
	}
	return nil
}
