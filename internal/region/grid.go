package region

import (
	"math"

	"porchlight/internal/event"
)

const (
	gridSide = 8    // cells in a row and in a column
	memory   = 64   // sightings over which a cell's mean is taken
	maxSeen  = 1024 // sightings that a cell counts; then all cells forget half
	enough   = 5    // sightings from which on a cell is believed
	sameIoU  = 0.7  // a box this like the last one of its cell is the same sight again
)

// Grid remembers how large objects are in each part of a camera's picture: far
// away ones at the top, say, and near ones at the bottom. It is marshaled to
// JSON to survive a restart. The zero value knows nothing and is ready to use.
// It is not safe for concurrent use.
type Grid struct{ cells [gridSide * gridSide]cell }

// cell is one 8th of the frame's width and height. Sizes are in fractions of
// the frame, of the objects whose center lies in the cell.
type cell struct {
	seen          float64 // sightings, older ones counting less
	width, height float64 // means
	spreadWidth   float64 // variances
	spreadHeight  float64
	last          event.Box // not kept over a restart
}

// Learn takes in the box, in fractions of the frame, of an object that proved
// true. It may be told of every frame: an object that stays where it is counts
// once. A box that is empty or not finite is passed over.
func (g *Grid) Learn(box event.Box) {
	if !usableBox(box) {
		return
	}
	box = box.Clip()
	c := g.at(box)
	if box.IoU(c.last) > sameIoU {
		return
	}
	c.last = box
	c.seen++
	// Mean and variance with exponential forgetting once memory is full, and
	// exact until then; West, Communications of the ACM 22 (1979), 532.
	rate := 1 / math.Min(c.seen, memory)
	learn := func(mean, spread *float64, v float64) {
		d := v - *mean
		*mean += rate * d
		*spread = (1 - rate) * (*spread + rate*d*d)
	}
	learn(&c.width, &c.spreadWidth, box.Width())
	learn(&c.height, &c.spreadHeight, box.Height())
	if c.seen >= maxSeen {
		g.forget()
	}
}

// forget halves what each cell has seen, so that a place that is no longer
// used is passed by the others in time.
func (g *Grid) forget() {
	for i := range g.cells {
		if g.cells[i].seen /= 2; g.cells[i].seen < 0.5 {
			g.cells[i] = cell{}
		}
	}
}

// at is the cell of a box's center.
func (g *Grid) at(b event.Box) *cell {
	index := func(v float64) int { return min(gridSide-1, max(0, int(v*gridSide))) }
	return &g.cells[index((b.Y0+b.Y1)/2)*gridSide+index((b.X0+b.X1)/2)]
}

// expected is the size in pixels, the larger of width and height, that an
// object at a box should have, with its standard deviation. It is false where
// too little is known.
func (g *Grid) expected(b event.Box, width, height int) (size, deviation float64, known bool) {
	if g == nil {
		return 0, 0, false
	}
	return g.at(b).size(width, height)
}

func (c *cell) size(width, height int) (size, deviation float64, known bool) {
	w, h := c.width*float64(width), c.height*float64(height)
	if w > h {
		return w, math.Sqrt(c.spreadWidth) * float64(width), c.seen >= enough
	}
	return h, math.Sqrt(c.spreadHeight) * float64(height), c.seen >= enough
}

// usableBox tells that a box is finite and that some of it is in the frame.
func usableBox(b event.Box) bool {
	for _, v := range [...]float64{b.X0, b.Y0, b.X1, b.Y1} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return b.Clip().Area() > 0
}
