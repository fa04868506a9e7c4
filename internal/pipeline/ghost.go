package pipeline

import (
	"time"

	"porchlight/internal/event"
)

// ghosts knows motion that does not move: the floor that someone who stood
// there long has uncovered, or a thing that was put down. It differs from the
// background, until that has been learnt anew, but nothing goes on there.
type ghosts struct{ seen []ghost }

type ghost struct {
	box   event.Box
	since time.Time
	at    time.Time
}

const (
	ghostAfter = time.Second
	ghostSame  = 0.85 // IoU from frame to frame
	ghostGap   = time.Second
)

// moving returns the boxes in which something goes on.
func (g *ghosts) moving(at time.Time, motion []event.Box) []event.Box {
	var next []ghost
	var out []event.Box
	for _, box := range motion {
		same := ghost{box: box, since: at, at: at}
		for _, old := range g.seen {
			if old.box.IoU(box) >= ghostSame && old.since.Before(same.since) {
				same.since = old.since
			}
		}
		next = append(next, same)
		if at.Sub(same.since) < ghostAfter {
			out = append(out, box)
		}
	}
	// Motion that blinks for a frame is not forgotten at once.
	for _, old := range g.seen {
		if at.Sub(old.at) < ghostGap && len(next) < 64 {
			next = append(next, old)
		}
	}
	g.seen = next
	return out
}
