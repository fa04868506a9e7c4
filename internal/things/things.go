// Package things tells when a thing of any kind was left in a zone or taken
// from it: it compares the zone before someone came with the zone after they
// went. It needs no model and knows no classes.
package things

import (
	"time"

	"porchlight/internal/event"
	"porchlight/internal/polygon"
)

// Kind of a change.
type Kind string

// The kinds.
const (
	Appeared Kind = "appeared"
	Removed  Kind = "removed"
)

// Change of one zone.
type Change struct {
	Kind Kind
	Zone string
	Box  event.Box // of the thing, in fractions of the frame
}

// Scene is one frame and what is known of it. Boxes are in fractions of it.
type Scene struct {
	Frame    *event.Frame
	Visitors []event.Box // persons seen in this frame
	Motion   []event.Box
	Unsteady bool // the light or the camera has just changed
}

const (
	settle   = 2 * time.Second  // of stillness before the zone is compared
	tooLate  = 10 * time.Minute // a picture older than this is compared no more
	holdOpen = 12 * time.Second // how long a verdict may be waited for
	memory   = 3 * time.Second  // over which the picture of an empty zone is averaged
)

// Watcher watches one zone. It is not safe for concurrent use.
type Watcher struct {
	zone string
	area polygon.Polygon

	width, height int
	grid          *grid
	before        *picture // of the zone as it was when nobody was near
	after         *picture // of the stillness since the last visitor left
	visited       bool     // someone has been near since before was taken
	leftAt        time.Time
	stillSince    time.Time
	last          time.Time
}

// NewWatcher returns a watcher that has not seen its zone yet.
func NewWatcher(zone string, area polygon.Polygon) *Watcher {
	return &Watcher{zone: zone, area: area}
}

// Observe takes the next frame and returns what has changed in the zone since
// its last visitor came, once they have left and all is still.
func (w *Watcher) Observe(s Scene) []Change {
	f := s.Frame
	if !f.Whole() {
		return nil
	}
	now := f.Time
	step := now.Sub(w.last)
	w.last = now
	if s.Unsteady || f.Width != w.width || f.Height != w.height || w.visited && now.Sub(w.leftAt) > tooLate {
		// Nothing of before can be compared with what is to come.
		w.width, w.height, w.grid = f.Width, f.Height, newGrid(w.area, f.Width, f.Height)
		w.before, w.after, w.visited, w.stillSince = nil, nil, false, now
		return nil
	}
	if near(s.Visitors, w.grid.box) {
		w.visited, w.leftAt, w.stillSince, w.after = w.before != nil, now, now, nil
		return nil
	}
	if near(s.Motion, w.grid.box) {
		w.stillSince, w.after = now, nil
		return nil
	}
	shot := w.grid.sample(f)
	if !w.visited {
		if w.before == nil {
			w.before = shot
		}
		w.before.blend(shot, step, memory)
		return nil
	}
	if w.after == nil {
		w.after = shot
	}
	w.after.blend(shot, step, settle)
	if now.Sub(w.stillSince) < settle {
		return nil
	}
	changes := w.compare()
	w.before, w.after, w.visited = w.after, nil, false
	return changes
}

// Pending tells that someone has left the zone a moment ago and it is not yet
// known what they did there.
func (w *Watcher) Pending() bool { return w.visited && w.last.Sub(w.leftAt) < holdOpen }

func (w *Watcher) compare() []Change {
	var out []Change
	for _, b := range w.grid.differences(w.before, w.after) {
		kind, sure := verdict(w.grid, b, w.before, w.after)
		if sure {
			out = append(out, Change{Kind: kind, Zone: w.zone, Box: w.grid.fractions(b)})
		}
	}
	return out
}

// near says whether a box touches the zone.
func near(boxes []event.Box, zone event.Box) bool {
	for _, b := range boxes {
		if b.Intersect(zone) > 0 {
			return true
		}
	}
	return false
}
