package track

import (
	"slices"
	"time"

	"porchlight/internal/event"
)

// ChangeKind says how a scene has changed.
type ChangeKind int

// The changes.
const (
	Appeared ChangeKind = iota + 1 // an object was left, or came and stays
	Removed                        // an object that was part of the scene was taken, or left
)

// Change of the scene: an object that proved true has become part of it or is
// no longer part of it.
type Change struct {
	Kind  ChangeKind
	Track int64
	Label string
	Box   event.Box // where it stands or stood
	At    time.Time // since when it stands there; when it was last seen there
}

// mostChanges are kept until they are asked for.
const mostChanges = 100

func (t *Tracker) tell(c Change) {
	if len(t.changes) >= mostChanges {
		t.changes = slices.Delete(t.changes, 0, len(t.changes)-mostChanges+1)
	}
	c.Box = moved(c.Box, t.shake.x, t.shake.y).Clip()
	t.changes = append(t.changes, c)
}

// Changes returns how the scene has changed since it was last asked for, in
// order. Of more than a hundred changes the oldest are lost.
func (t *Tracker) Changes() []Change {
	out := t.changes
	t.changes = nil
	return out
}
