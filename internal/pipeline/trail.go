package pipeline

import (
	"time"

	"porchlight/internal/event"
	"porchlight/internal/motion"
)

// trail is the motion of the last seconds. What comes into view is recognised
// only once enough of it shows; its motion tells when it really came.
type trail struct{ marks []mark }

type mark struct {
	at    time.Time
	boxes []event.Box
}

const (
	trailLength = 3 * time.Second
	trailGap    = 400 * time.Millisecond // without motion before the trail is lost
	trailNear   = 0.1                    // of its size, how far an object moves between two frames
)

func (t *trail) note(at time.Time, m motion.Result) {
	boxes := m.Boxes
	if m.Calibrating && m.Area > 0 { // it moves, and nobody knows where
		boxes = []event.Box{{X1: 1, Y1: 1}}
	}
	t.marks = append(t.marks, mark{at, boxes})
	for len(t.marks) > 0 && at.Sub(t.marks[0].at) > trailLength {
		t.marks = t.marks[1:]
	}
}

// back follows the motion of an object that was first seen at a time, back to
// where it began.
func (t *trail) back(seen time.Time, box event.Box) time.Time {
	began := seen
	for i := len(t.marks) - 1; i >= 0; i-- {
		m := t.marks[i]
		if !m.at.Before(seen) {
			continue
		}
		if began.Sub(m.at) > trailGap {
			break
		}
		near := grown(box, trailNear)
		for _, b := range m.boxes {
			if b.Intersect(near) > 0 {
				began = m.at
				if b.Area() < 1 {
					box = b
				}
				break
			}
		}
	}
	return began
}
