package region

import "image"

// waiting is a target that a frame had no region for.
type waiting struct {
	at   image.Rectangle
	wait int // frames
}

// maxWait bounds the count; only the order of what waits matters.
const maxWait = 1 << 20

// waits is what of a target has to wait, for one frame longer than so far.
func (t target) waits() []waiting {
	var out []waiting
	for _, p := range t.each() {
		out = append(out, waiting{p.want, min(p.wait+1, maxWait)})
	}
	return out
}

// recall tells the targets for how long they have been waiting. What waits is
// the target that overlaps it most, if by a third of both, and only that one:
// a neighbor that shared its wait would take its turn.
func (c *Chooser) recall(targets []target) {
	for _, w := range c.waiting {
		best := 1. / 3
		for _, t := range targets {
			best = max(best, overlapOf(t.want, w.at))
		}
		for i, t := range targets {
			if overlapOf(t.want, w.at) == best {
				targets[i].wait = max(t.wait, w.wait)
			}
		}
	}
}

// overlapOf is the intersection over the union of two rectangles.
func overlapOf(a, b image.Rectangle) float64 {
	area := func(r image.Rectangle) float64 { return float64(r.Dx()) * float64(r.Dy()) }
	both := area(a.Intersect(b))
	return both / (area(a) + area(b) - both)
}
