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
	began   time.Time // of the camera's first frame
	knows   bool      // what stands where is known from an earlier life
	objects map[int64]*presence
	trail   trail
}

// presence of a track without a gap.
type presence struct {
	since, seen time.Time
	stirs       int // looks with motion in it, in the present window
	window      time.Time
	stirred     time.Time // when it last stirred enough
}

// actor is an active track, and since when it has been in view.
type actor struct {
	track.Track
	since time.Time
}

const (
	presenceGap = 2 * time.Second
	stirWindow  = 2 * time.Second
	stirTwice   = 2    // looks with motion in it within a window
	stirInside  = 0.75 // part of the motion that must lie in the object
	stirRest    = 10 * time.Second
	firstSight  = 2500 * time.Millisecond
)

func newActivity(knows bool) *activity {
	return &activity{knows: knows, objects: map[int64]*presence{}}
}

// observe returns the active tracks among those seen in this frame.
func (a *activity) observe(v *View) []actor {
	now := v.Frame.Time
	if a.began.IsZero() {
		a.began = now
	}
	a.trail.note(now, v.Motion)
	var active []actor
	for _, t := range v.Tracks {
		if !t.Seen {
			continue
		}
		p := a.presence(now, t)
		p.stir(now, t, v.Motion.Boxes)
		if t.True && !t.Stationary && (!t.MovedAt.IsZero() || p.stirring(now) || a.newcomer(t)) {
			active = append(active, actor{Track: t, since: p.since})
		}
	}
	for id, p := range a.objects {
		if now.Sub(p.seen) > time.Minute {
			delete(a.objects, id)
		}
	}
	return active
}

func (a *activity) presence(now time.Time, t track.Track) *presence {
	p := a.objects[t.ID]
	if p == nil || now.Sub(p.seen) > presenceGap {
		since := now
		// What was before a restart does not count: an event of then has ended.
		// Nor does what is to come, by a clock that was set back meanwhile.
		if p == nil && now.Sub(t.FirstSeen) <= presenceGap && !t.FirstSeen.Before(a.began) && !t.FirstSeen.After(now) {
			since = t.FirstSeen
		}
		p = &presence{since: a.trail.back(since, t.Box), window: now}
		a.objects[t.ID] = p
	}
	p.seen = now
	return p
}

// newcomer says whether this is a person or a pet in the very first picture of
// a camera that knows nothing yet: nobody can tell them from a statue, so they
// count, once.
func (a *activity) newcomer(t track.Track) bool {
	return !a.knows && alive(t.Label) && t.FirstSeen.Sub(a.began) <= firstSight
}

// alive are the labels of what stirs of itself. A car that stirs is a
// reflection on it.
func alive(label string) bool { return label == "person" || label == "cat" || label == "dog" }

// stir counts the looks in which most of the motion at the object is in it.
func (p *presence) stir(now time.Time, t track.Track, motion []event.Box) {
	if !alive(t.Label) {
		return
	}
	if now.Sub(p.window) > stirWindow {
		p.stirs, p.window = 0, now
	}
	var within, all float64
	for _, m := range motion {
		if common := m.Intersect(t.Box); common > 0 {
			within, all = within+common, all+m.Area()
		}
	}
	if all > 0 && within/all >= stirInside {
		p.stirs++
	}
	if p.stirs >= stirTwice {
		p.stirred = now
	}
}

func (p *presence) stirring(now time.Time) bool {
	return !p.stirred.IsZero() && now.Sub(p.stirred) <= stirRest
}
