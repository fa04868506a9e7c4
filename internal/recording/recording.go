// Package recording keeps video of cameras on this machine's disk: of events,
// with what was before and after them, or all the time.
//
// A Library is the folder with everything in it. A Recorder takes one camera's
// GOPs from its ring and writes them to the library in files of about a
// minute. What a file holds, and how long it is worth keeping, is said by its
// name and its own boxes, so that there is no index that could be lost: after
// a crash each file is whole up to its last fragment.
//
// Recording never holds up a camera. What the disk does not take is counted
// and said.
package recording

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/media"
)

// Errors of this package.
var (
	// ErrBusy is wrapped when another process uses the library.
	ErrBusy = errors.New("recordings are in use by another process")
	// ErrFull is wrapped when there is no room and nothing that may go.
	ErrFull = errors.New("no room for recordings")
	// ErrEvent is wrapped when an event cannot be recorded.
	ErrEvent = errors.New("event cannot be recorded")
	// ErrCamera is wrapped when a camera's id cannot name a folder.
	ErrCamera = errors.New("camera id cannot be used for recordings")
	// ErrNothing is wrapped when no video was recorded in a range of time.
	ErrNothing = errors.New("nothing was recorded then")
)

// Class is why video is kept, and so how long. Higher ones outlive lower ones.
type Class int

// The classes.
const (
	Continuous Class = iota + 1 // of no event
	Detection                   // of an event of which the owner need not be told
	Alert                       // of an event of which the owner wants to be told
)

var classNames = map[Class]string{Continuous: "continuous", Detection: "detection", Alert: "alert"}

func (c Class) String() string { return classNames[c] }

// ClassOf is the class of an event's video.
func ClassOf(s event.Severity) Class {
	if s == event.Alert {
		return Alert
	}
	return Detection
}

// Mode says what a camera records.
type Mode string

// The modes. A camera that records nothing has no recorder.
const (
	Events Mode = "events"     // what Begin asks for
	Always Mode = "continuous" // everything
)

// Keep says for how long a camera's recordings are kept at most, by class. A
// class with 0 is kept for as long as there is room.
type Keep map[Class]time.Duration

// Config describes one camera's recording. Camera, Ring, Library and Log are
// required.
type Config struct {
	Camera  string // id
	Ring    *media.Ring
	Library *Library
	Log     *slog.Logger

	Mode     Mode          // Events when empty
	PreRoll  time.Duration // recorded before an event, as far as the ring goes back
	PostRoll time.Duration // recorded after an event
	Segment  time.Duration // after which the next file begins, at a keyframe; 1 min when 0
	Flush    time.Duration // a GOP that takes longer to complete is written in parts; 2 s when 0
	Poll     time.Duration // how often the ring is looked at; 500 ms when 0
}

// State is what a recorder does.
type State string

// The states of a recorder.
const (
	Idle      State = "idle"      // there is nothing to record
	Recording State = "recording" // all is well
	Full      State = "full"      // recording has stopped: there is no room
	Faulty    State = "faulty"    // recording has stopped: the disk fails
)

// Stats of a recorder. Counts are since New.
type Stats struct {
	State     State
	Err       error     // why it is Full or Faulty
	Safe      time.Time // the newest picture that is on disk
	Fragments int64     // written
	Bytes     int64     // written
	Lost      int64     // GOPs that were wanted and are not, or not wholly, recorded
}

// checkCamera keeps a camera's recordings within its folder.
func checkCamera(id string) error {
	if id == "" || len(id) > 200 || strings.HasPrefix(id, ".") || strings.ContainsAny(id, "/\\\x00") {
		return fmt.Errorf("%w: %q", ErrCamera, id)
	}
	return nil
}
