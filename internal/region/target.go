package region

import (
	"cmp"
	"image"
	"math"
	"slices"

	"porchlight/internal/event"
)

const (
	maxTargets   = 48   // in one frame; the smallest motion is passed over beyond
	aroundObject = 1.35 // room around a predicted object, in sizes of it
	aroundMotion = 2.0  // and around motion, which may be only a part of an object
	populated    = 8    // cells of the grid that a first look shows at most
)

// target is something to be shown, or several that share a region. Rectangles
// are in pixels of the frame.
type target struct {
	want  image.Rectangle // with all the room it should have
	least image.Rectangle // with as much as will do
	limit int             // side of the largest region that shows it large enough
	good  int             // side of a region that shows it best
	wait  int             // frames for which it has had no region
	parts []target        // when several share it
}

// targets returns what to show, in an order that depends on nothing but the
// boxes themselves. Motion inside what is shown for an object anyway is the
// object's own.
func (c *Chooser) targets(motion, objects []event.Box) []target {
	if c.width < 1 || c.height < 1 {
		return nil
	}
	var list []target
	for _, b := range ordered(objects) {
		size := c.larger(b)
		list = append(list, c.target(b, aroundObject, size))
	}
	seen := len(list)
	for _, b := range ordered(motion) {
		if slices.ContainsFunc(list[:seen], func(o target) bool { return c.pixels(b).In(o.least) }) {
			continue
		}
		size, around := c.larger(b), aroundMotion
		if mean, deviation, known := c.grid.expected(b, c.width, c.height); known {
			if size < mean-deviation { // a part of an object: it may reach out to any side
				around = math.Max(around, 2*mean/size-1)
			}
			size = mean
		}
		list = append(list, c.target(b, around, size))
	}
	return list[:min(len(list), maxTargets)]
}

// ordered returns the boxes that can be shown, largest first.
func ordered(boxes []event.Box) []event.Box {
	var list []event.Box
	for _, b := range boxes {
		if usableBox(b) {
			list = append(list, b.Clip())
		}
	}
	slices.SortFunc(list, func(a, b event.Box) int {
		return cmp.Or(cmp.Compare(b.Area(), a.Area()), compareBoxes(a, b))
	})
	return list
}

// larger is the larger side of a box, in pixels.
func (c *Chooser) larger(b event.Box) float64 {
	return math.Max(b.Width()*float64(c.width), b.Height()*float64(c.height))
}

// pixels is the smallest rectangle of whole pixels around a box.
func (c *Chooser) pixels(b event.Box) image.Rectangle {
	b = b.Clip()
	w, h := float64(c.width), float64(c.height)
	return image.Rect(int(b.X0*w), int(b.Y0*h), int(math.Ceil(b.X1*w)), int(math.Ceil(b.Y1*h)))
}

// target makes one of a box that holds, or is a part of, an object of a size in pixels.
func (c *Chooser) target(b event.Box, around, size float64) target {
	grow := func(by float64) image.Rectangle {
		// The room is as wide as it is high, for a person may turn and reach out.
		room := c.larger(b) * (by - 1) / 2
		dx, dy := room/float64(c.width), room/float64(c.height)
		return c.pixels(event.Box{X0: b.X0 - dx, Y0: b.Y0 - dy, X1: b.X1 + dx, Y1: b.Y1 + dy})
	}
	t := target{want: grow(around), least: grow((around + 1) / 2)}
	at := func(pixels float64) int { return int(math.Min(float64(c.cfg.Input)*size/pixels, maxSide)) }
	t.limit = step(max(at(largeEnough), c.minSide(), need(t.want)))
	t.good = min(t.limit, max(at(ideal), need(t.want)))
	return t
}

// need is the side of the smallest square around a rectangle.
func need(r image.Rectangle) int { return max(r.Dx(), r.Dy()) }

// step rounds up to the sides that regions have.
func step(side int) int { return (side + 3) &^ 3 }

// join is the target of two that share a region.
func join(a, b target) target {
	return target{
		want: a.want.Union(b.want), least: a.least.Union(b.least),
		limit: min(a.limit, b.limit), good: min(a.good, b.good), wait: max(a.wait, b.wait),
		parts: append(a.each(), b.each()...),
	}
}

func (t target) each() []target {
	if t.parts == nil {
		return []target{t}
	}
	return slices.Clip(t.parts)
}

// cluster joins targets for as long as two can share a region that shows both
// large enough, the two that need the smallest one first.
func cluster(targets []target) []target {
	list := slices.Clone(targets)
	for {
		var best target
		bi, bj, bestNeed := -1, -1, math.MaxInt
		for i := range list {
			for j := i + 1; j < len(list); j++ {
				n := need(list[i].want.Union(list[j].want))
				if n < bestNeed && n <= min(list[i].limit, list[j].limit) {
					bi, bj, bestNeed = i, j, n
				}
			}
		}
		if bi < 0 {
			return list
		}
		best = join(list[bi], list[bj])
		list[bi] = best
		list = slices.Delete(list, bj, bj+1)
	}
}

// region is the square around a target, as far as the frame reaches, moved
// inside of it.
func (t target) region(width, height, minSide int) Region {
	side := max(t.good, minSide, need(t.want))
	side = min(step(side), max(width, height))
	r := Region{Width: min(side, width), Height: min(side, height)}
	mid := t.want.Min.Add(t.want.Max).Div(2)
	r.X = min(max(mid.X-r.Width/2, 0), width-r.Width)
	r.Y = min(max(mid.Y-r.Height/2, 0), height-r.Height)
	return r
}

// shownBy tells that a region shows the target with some room, large enough.
func (t target) shownBy(r Region) bool {
	return r.side() <= t.limit && t.least.In(image.Rect(r.X, r.Y, r.X+r.Width, r.Y+r.Height))
}

// places are the most populated cells of the grid, the first one first, whose
// objects are too small in the whole frame.
func (c *Chooser) places() []target {
	if c.grid == nil {
		return nil
	}
	type place struct {
		seen float64
		target
	}
	var list []place
	for i, k := range c.grid.cells {
		size, _, known := k.size(c.width, c.height)
		if !known {
			continue
		}
		x, y := float64(i%gridSide)/gridSide, float64(i/gridSide)/gridSide
		t := c.target(event.Box{X0: x, Y0: y, X1: x + 1./gridSide, Y1: y + 1./gridSide}, 1, size)
		t.want = c.pixels(event.Box{
			X0: x - k.width/2, Y0: y - k.height/2, X1: x + 1./gridSide + k.width/2, Y1: y + 1./gridSide + k.height/2,
		})
		t.limit = step(max(t.limit, need(t.want)))
		if !c.fits(Whole(c.width, c.height), t) {
			list = append(list, place{k.seen, t})
		}
	}
	slices.SortStableFunc(list, func(a, b place) int { return cmp.Compare(b.seen, a.seen) })
	var out []target
	for _, p := range list[:min(len(list), populated)] {
		out = append(out, p.target)
	}
	return out
}
