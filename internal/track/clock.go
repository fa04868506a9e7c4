package track

import (
	"time"

	"porchlight/internal/event"
)

// clockSet is how far back frames must go in time for the clock to have been
// set. Less is disorder, and taken for the time of the frame before.
const clockSet = 5 * time.Second

// start notes the time and the shape of a frame.
func (t *Tracker) start(f *event.Frame) {
	if f == nil {
		return
	}
	back := t.now.Sub(f.Time)
	if begun := !t.first.IsZero() || len(t.objects) > 0; begun && back > clockSet {
		t.setBack(back)
	}
	if f.Time.After(t.now) || t.first.IsZero() {
		t.now = f.Time
	}
	if t.first.IsZero() {
		t.first = t.now
	}
	if f.Width > 0 && f.Height > 0 {
		t.aspect = min(10, max(0.1, float64(f.Width)/float64(f.Height)))
	}
}

// setBack moves all times back, as the clock was.
func (t *Tracker) setBack(by time.Duration) {
	set := func(times ...*time.Time) {
		for _, v := range times {
			if !v.IsZero() {
				*v = v.Add(-by)
			}
		}
	}
	set(&t.first, &t.now)
	for i := range t.scene.pictures {
		set(&t.scene.pictures[i].at)
	}
	for _, o := range t.objects {
		set(&o.FirstSeen, &o.LastSeen, &o.MovedAt, &o.missingSince, &o.doubleSince, &o.filter.at, &o.differsSince, &o.judgedAt, &o.leftAt)
	}
}
