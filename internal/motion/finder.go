package motion

import (
	"slices"

	"porchlight/internal/event"
)

// finder makes boxes of changed cells.
type finder struct {
	cols, rows int
	minCells   int
	runs       []run
	rowFrom    []int32 // where each row's runs begin, and their end
	parent     []int32 // of each run, union-find
	blobOf     []int32 // of each run that is a root
	blobs      []blob
	recent     []uint8 // for each cell, whether it had changed in the last frames, newest in bit 0
	last, next []blob  // of the last frame and of this, trusted or not
	blockCols  int32
	sharpIn    []int   // of each block of the grid, how many cells are sharp
	fleeting   float64 // averaged number of blobs that do not last
	moving     float64
}

// blob is a group of runs.
type blob struct {
	x0, y0, x1, y1 int32 // cells, up to x1 and y1
	cells          int
	strong         int // of cells
	again          int // of cells, changed lately too
	often          int // of cells, changed in both of the last frames too
	sharp          int // cells where the difference makes a step
	densest        int // of them in one block
	differ         int // sum of the cells' differences
	rise           int // sum of what the difference rises by at the sides
	sides          int // how many
}

const (
	mostBlobs   = 64
	mostBoxes   = 16
	reach       = 2  // cells between runs of one blob
	bridge      = 3  // rows between boxes that are one object
	trustCells  = 4  // times the smallest area: seen once is enough
	thinCells   = 3  // narrower is a streak
	againPart   = 3  // a third of a small blob has changed lately
	softCells   = 5  // times the smallest area: large enough to tell soft light
	denseSteps  = 10 // steps in one block are an object
	blockCells  = 6
	sharpStep   = 4 * level
	rainBlobs   = 0.4 // fleeting blobs in a frame, on average
	burstBlobs  = 4   // or in this one
	rainSeconds = 3.0
	fewBlobs    = 4  // so few are near each other by no chance
	jumpCells   = 12 // how far a small object gets between frames
	walkCells   = 4  // and how far at a walk
	loneStrong  = 3  // strong cells of a small blob
)

func newFinder(cols, rows int, minArea float64) finder {
	n := cols * rows
	blockCols, blockRows := (cols+blockCells-1)/blockCells, (rows+blockCells-1)/blockCells
	return finder{
		blockCols: int32(blockCols), sharpIn: make([]int, blockCols*blockRows),
		cols: cols, rows: rows, minCells: max(1, int(minArea*float64(n))),
		runs: make([]run, 0, n/2+rows), rowFrom: make([]int32, rows+1), parent: make([]int32, n/2+rows), blobOf: make([]int32, n/2+rows),
		blobs: make([]blob, 0, mostBlobs), recent: make([]uint8, n), last: make([]blob, 0, mostBlobs), next: make([]blob, 0, mostBlobs),
	}
}

// forget that anything moved.
func (f *finder) forget() {
	clear(f.recent)
	f.last, f.moving = f.last[:0], 0
}

// find returns the boxes of what moves in a frame whose cells are classified.
func (f *finder) find(d *Detector, luma []int32, dt float64) []event.Box {
	f.moving = 0
	m := &d.model
	f.scan(m.state)
	f.join()
	f.collect(d, luma)
	f.remember(m.state)
	f.keepTrusted(dt)
	if len(f.blobs) == 0 {
		return nil
	}
	for _, b := range f.blobs {
		f.moving += float64(b.cells) / float64(max(1, m.unmasked))
	}
	f.merge()
	slices.SortFunc(f.blobs, func(a, b blob) int { return b.size() - a.size() })
	boxes := make([]event.Box, min(mostBoxes, len(f.blobs)))
	for i := range boxes {
		b := f.blobs[i]
		boxes[i] = event.Box{
			X0: float64(b.x0) / float64(f.cols), Y0: float64(b.y0) / float64(f.rows),
			X1: float64(b.x1) / float64(f.cols), Y1: float64(b.y1) / float64(f.rows),
		}
	}
	return boxes
}

// collect sums up the largest blobs.
func (f *finder) collect(d *Detector, luma []int32) {
	f.blobs = f.blobs[:0]
	clear(f.sharpIn)
	least := f.measure()
	for i, r := range f.runs {
		root := f.root(int32(i))
		if f.blobOf[root] <= -least {
			f.blobs = append(f.blobs, blob{x0: r.x0, y0: r.y, x1: r.x1, y1: r.y + 1})
			f.blobOf[root] = int32(len(f.blobs) - 1)
		}
		if f.blobOf[root] >= 0 {
			f.add(&f.blobs[f.blobOf[root]], r, d, luma)
		}
	}
}

// measure sets blobOf to minus the number of cells for each root, and returns
// how many cells a blob needs so that there are not too many.
func (f *finder) measure() int32 {
	clear(f.blobOf[:len(f.runs)])
	for i, r := range f.runs {
		f.blobOf[f.root(int32(i))] -= r.x1 - r.x0
	}
	for least := int32(f.minCells); ; least *= 2 {
		n := 0
		for _, cells := range f.blobOf[:len(f.runs)] {
			if cells <= -least {
				n++
			}
		}
		if n <= mostBlobs {
			return least
		}
	}
}

func (f *finder) add(b *blob, r run, d *Detector, luma []int32) {
	b.x0, b.x1, b.y1 = min(b.x0, r.x0), max(b.x1, r.x1), r.y+1
	b.cells += int(r.x1 - r.x0)
	f.addSides(b, r, d, luma)
	m := &d.model
	row := int(r.y) * f.cols
	for x := int(r.x0); x < int(r.x1); x++ {
		i := row + x
		if m.state[i] == strong {
			b.strong++
		}
		if f.recent[i] != 0 {
			b.again++
		}
		if f.recent[i]&0b11 == 0b11 {
			b.often++
		}
		left, right := row+max(0, x-1), row+min(f.cols-1, x+1)
		step := luma[right] - luma[left]
		was := (m.background[right] - m.background[left]) >> fineBits
		here := abs(luma[i] - d.light.shift - m.background[i]>>fineBits)
		b.differ += int(here)
		if abs(step-was) > sharpStep+here/2+abs(was)/2 {
			b.sharp++
			block := r.y/blockCells*f.blockCols + int32(x)/blockCells
			f.sharpIn[block]++
			b.densest = max(b.densest, f.sharpIn[block])
		}
	}
}

// addSides sums up how steeply the difference rises over the ends of a run,
// from two cells outside to two cells inside, except at the frame's border.
func (f *finder) addSides(b *blob, r run, d *Detector, luma []int32) {
	row := r.y * int32(f.cols)
	at := func(x int32) int { return int(luma[row+x] - d.light.shift - d.model.background[row+x]>>fineBits) }
	rise := func(inner, outer int32) {
		in, out := at(inner), at(outer)
		if in < 0 {
			in, out = -in, -out
		}
		b.rise += in - out
		b.sides++
	}
	if r.x0 >= 2 {
		rise(min(r.x0+2, r.x1-1), r.x0-2)
	}
	if r.x1+1 < int32(f.cols) {
		rise(max(r.x1-3, r.x0), r.x1+1)
	}
}

// remember which cells have changed.
func (f *finder) remember(state []uint8) {
	recent := f.recent[:len(state)]
	for i, s := range state {
		v := recent[i] << 1 & 0b11
		if s >= weak {
			v |= 1
		}
		recent[i] = v
	}
}

func (b blob) size() int { return int((b.x1 - b.x0) * (b.y1 - b.y0)) }

func (b blob) near(o blob, across, down int32) bool {
	return b.x0 < o.x1+across && o.x0 < b.x1+across && b.y0 < o.y1+down && o.y0 < b.y1+down
}

// merge joins boxes that touch.
func (f *finder) merge() {
	for i := 0; i < len(f.blobs); i++ {
		for j := i + 1; j < len(f.blobs); j++ {
			a, b := f.blobs[i], f.blobs[j]
			if !a.near(b, reach, bridge) {
				continue
			}
			a.x0, a.y0, a.x1, a.y1 = min(a.x0, b.x0), min(a.y0, b.y0), max(a.x1, b.x1), max(a.y1, b.y1)
			f.blobs[i], f.blobs[j] = a, f.blobs[len(f.blobs)-1]
			f.blobs = f.blobs[:len(f.blobs)-1]
			i = -1
			break
		}
	}
}
