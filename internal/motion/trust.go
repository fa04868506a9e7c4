package motion

import (
	"math"
	"slices"
)

// keepTrusted keeps the blobs that are neither rain nor light on the ground.
func (f *finder) keepTrusted(dt float64) {
	f.next = append(f.next[:0], f.blobs...)
	fleeting := 0
	for _, b := range f.blobs {
		if !b.lasting() && !f.large(b, false) && !f.followed(b, walkCells) {
			fleeting++
		}
	}
	f.fleeting += (float64(fleeting) - f.fleeting) * (1 - math.Exp(-dt/rainSeconds))
	raining := f.fleeting > rainBlobs || fleeting >= burstBlobs
	gap := int32(walkCells)
	if max(len(f.last), len(f.next)) <= fewBlobs {
		gap = jumpCells
	}
	kept := f.blobs[:0]
	for _, b := range f.blobs {
		if !f.soft(b) && (f.large(b, raining) || b.strong >= loneStrong && (raining && b.often*againPart >= b.cells || !raining && (b.lasting() || f.followed(b, gap)))) {
			kept = append(kept, b)
		}
	}
	f.blobs = kept
	f.last, f.next = f.next, f.last
}

// lasting: a good part of the blob had changed before.
func (b blob) lasting() bool { return b.again*againPart >= b.cells }

// large enough to be trusted at first sight. In rain that takes more, and what
// is long and thin may be a drop near the lens.
func (f *finder) large(b blob, raining bool) bool {
	w, h := b.x1-b.x0, b.y1-b.y0
	least, thin := trustCells*f.minCells, thinCells
	if raining {
		least, thin = 2*least, 2*thin
	}
	return b.cells >= least && b.strong >= f.minCells && b.cells >= thin*int(max(w, h)) && min(w, h) >= thinCells
}

// soft: the difference rises slowly at the sides and has a step nowhere, so
// it is light on the same things. What hides others has sides.
func (f *finder) soft(b blob) bool {
	return b.cells >= softCells*f.minCells && b.sides > 0 && b.densest < denseSteps &&
		14*b.rise*b.cells < 5*b.differ*b.sides
}

// followed: a blob of like size was near in the last frame.
func (f *finder) followed(b blob, gap int32) bool {
	return slices.ContainsFunc(f.last, func(o blob) bool {
		return o.near(b, gap, gap) && o.cells < 3*b.cells && b.cells < 3*o.cells
	})
}
