package pipeline

import (
	"time"

	"porchlight/internal/event"
	"porchlight/internal/track"
)

// boredom remembers, cell by cell, where motion was looked at again and again
// and never was anything: a tree in the wind. Such motion is looked at less
// and less often, but never quite forgotten, and at once where it spreads.
type boredom struct {
	cells [boredomRows][boredomColumns]cell
}

type cell struct {
	futile  int       // looks in a row that found nothing here
	movedAt time.Time // last motion here
	looked  time.Time
}

const (
	boredomRows    = 9
	boredomColumns = 16
	patience       = 15               // futile looks before motion in a cell bores
	forgetAfter    = 30 * time.Second // of stillness: what moves here then is news
	mostBored      = 4 * time.Second  // between looks at the dullest cell
)

// interesting returns the motion boxes worth a look now.
func (b *boredom) interesting(at time.Time, motion []event.Box) []event.Box {
	var out []event.Box
	for _, box := range motion {
		dull := true
		b.each(box, func(c *cell) {
			if at.Sub(c.movedAt) > forgetAfter {
				c.futile = 0
			}
			c.movedAt = at
			wait := min(time.Duration(c.futile-patience)*100*time.Millisecond, mostBored)
			dull = dull && c.futile > patience && at.Sub(c.looked) < wait
		})
		if !dull {
			out = append(out, box)
		}
	}
	return out
}

// learn notes which cells with motion have been looked at for nothing.
func (b *boredom) learn(at time.Time, motion []event.Box, tracks []track.Track) {
	for _, box := range motion {
		found := false
		for _, t := range tracks {
			found = found || t.Seen && !t.Stationary && box.Intersect(grown(t.Box, 0.25)) > 0
		}
		b.each(box, func(c *cell) {
			c.looked = at
			if c.futile++; found {
				c.futile = 0
			}
		})
	}
}

// each visits the cells that a box touches.
func (b *boredom) each(box event.Box, visit func(*cell)) {
	box = box.Clip()
	last := func(v float64, n int) int { return min(int(v*float64(n)), n-1) }
	for y := last(box.Y0, boredomRows); y <= last(box.Y1, boredomRows); y++ {
		for x := last(box.X0, boredomColumns); x <= last(box.X1, boredomColumns); x++ {
			visit(&b.cells[y][x])
		}
	}
}
