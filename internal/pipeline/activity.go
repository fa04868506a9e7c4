package pipeline

import (
	"time"

	"porchlight/internal/event"
	"porchlight/internal/track"
)

// activity tells which tracks are worth an event: they have proved true, and
// they have moved, or something stirs in them as in a person who stands and
// talks. A statue, a parked car and a picture on the wall do neither.
type activity struct {
	stirs map[int64]*stir
}

type stir struct {
	looks, moving int // of the present window
	began         time.Time
	last          time.Time // when it last stirred enough
	seen          time.Time
}

const (
	stirWindow = 2 * time.Second
	stirLooks  = 4    // looks in a window before it says anything
	stirPart   = 0.5  // of the looks that must show motion
	stirInside = 0.75 // part of the motion that must lie in the object
	stirRest   = 10 * time.Second
)

func newActivity() *activity { return &activity{stirs: map[int64]*stir{}} }

// observe returns the active tracks among those seen in this frame.
func (a *activity) observe(v *View) []track.Track {
	now := v.Frame.Time
	var active []track.Track
	for _, t := range v.Tracks {
		if !t.Seen {
			continue
		}
		stirred := a.stirring(now, t, v.Motion.Boxes)
		if t.True && !t.Stationary && (!t.MovedAt.IsZero() || stirred) {
			active = append(active, t)
		}
	}
	for id, s := range a.stirs {
		if now.Sub(s.seen) > time.Minute {
			delete(a.stirs, id)
		}
	}
	return active
}

// alive are the labels of what stirs of itself. A car that stirs is a
// reflection on it.
func alive(label string) bool { return label == "person" || label == "cat" || label == "dog" }

func (a *activity) stirring(now time.Time, t track.Track, motion []event.Box) bool {
	if !alive(t.Label) {
		return false
	}
	s := a.stirs[t.ID]
	if s == nil {
		s = &stir{began: now}
		a.stirs[t.ID] = s
	}
	s.seen = now
	if now.Sub(s.began) > stirWindow {
		s.looks, s.moving, s.began = 0, 0, now
	}
	s.looks++
	var within, all float64
	for _, m := range motion {
		if m.Intersect(t.Box) > 0 {
			within, all = within+m.Intersect(t.Box), all+m.Area()
		}
	}
	if all > 0 && within/all >= stirInside {
		s.moving++
	}
	if s.looks >= stirLooks && float64(s.moving) >= stirPart*float64(s.looks) {
		s.last = now
	}
	return !s.last.IsZero() && now.Sub(s.last) <= stirRest
}
