package event

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// NewID returns a new event id: a ULID whose time part is at, or the nearest
// that a ULID can have: from 1970, where clocks without a battery begin, on.
// Format: https://github.com/ulid/spec.
func NewID(at time.Time) string {
	ms := min(max(at.UnixMilli(), 0), int64(ulid.MaxTime()))
	return ulid.MustNew(uint64(ms), rand.Reader).String()
}

// ValidateID reports whether id is a ULID in its canonical upper-case form.
func ValidateID(id string) error {
	v, err := ulid.ParseStrict(id)
	if err != nil {
		return fmt.Errorf("not a ULID: %w", err)
	}
	if v.String() != id {
		return fmt.Errorf("not a ULID in upper case")
	}
	return nil
}

var (
	thingPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	namePattern  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// ValidateThing reports whether s can name a thing. Dots are left out because
// they part the thing from the camera in a camera id.
func ValidateThing(s string) error {
	if !thingPattern.MatchString(s) {
		return fmt.Errorf("thing %q: want 1 to 64 of A-Z a-z 0-9 _ -", clipText(s))
	}
	return nil
}

// CameraID returns the id of the camera called name on a thing. It is also
// the name of the camera's KVS stream and signaling channel.
func CameraID(thing, name string) string { return thing + "." + name }

// SplitCamera is the inverse of CameraID and fails on what it cannot have made.
func SplitCamera(camera string) (thing, name string, err error) {
	thing, name, _ = strings.Cut(camera, ".")
	if !thingPattern.MatchString(thing) || !namePattern.MatchString(name) {
		return "", "", fmt.Errorf("camera %q: want <thing>.<name>, each 1 to 64 of A-Z a-z 0-9 _ -", clipText(camera))
	}
	return thing, name, nil
}
