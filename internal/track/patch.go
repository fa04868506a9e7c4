package track

import (
	"math"

	"porchlight/internal/event"
)

// patchSide is the side of a patch in cells.
const patchSide = 32

// patch is how a part of the frame looks: its luma averaged over 32 x 32
// cells, which smooths away noise and the jitter of boxes.
type patch [patchSide * patchSide]uint8

const (
	smallestPatch = 8 // pixels; smaller boxes do not look like anything
	cellSamples   = 3 // a side, per cell
)

// luma of a pixel of a usable frame, by the weights of ITU-R BT.601.
func luma(f *event.Frame, x, y int) int {
	i := (y*f.Width + x) * 3
	return (29*int(f.Pix[i]) + 150*int(f.Pix[i+1]) + 77*int(f.Pix[i+2])) >> 8
}

// cut takes the patch of a box, or nil where there is nothing to see.
func cut(f *event.Frame, b event.Box) *patch {
	if !f.Whole() {
		return nil
	}
	b = b.Clip()
	x0, y0 := b.X0*float64(f.Width), b.Y0*float64(f.Height)
	w, h := b.Width()*float64(f.Width), b.Height()*float64(f.Height)
	if w < smallestPatch || h < smallestPatch {
		return nil
	}
	const n = patchSide * cellSamples
	var columns [n]int
	for i := range columns {
		columns[i] = min(f.Width-1, int(x0+(float64(i)+0.5)*w/n))
	}
	var sums [patchSide * patchSide]int
	for j := range n {
		y := min(f.Height-1, int(y0+(float64(j)+0.5)*h/n))
		row := sums[j/cellSamples*patchSide:][:patchSide]
		for i, x := range columns {
			row[i/cellSamples] += luma(f, x, y)
		}
	}
	p := &patch{}
	for i, sum := range sums {
		p[i] = uint8(sum / (cellSamples * cellSamples))
	}
	return p
}

// How alike patches are is decided by the normalized cross-correlation, which
// does not mind brightness and contrast, of the inner part of the anchor with
// the same part of the picture now, moved by up to reach cells.
const (
	reach      = 4
	innerSide  = patchSide - 2*reach
	alike      = 0.85 // correlation from which two patches show the same
	stillShift = 1.5  // cells; moved by no more it is jitter
	flat       = 2.5  // gray levels; a patch that varies less shows nothing
)

// likeness of two patches.
type likeness int

const (
	unclear likeness = iota // nothing to compare
	same
	different
)

func (p *patch) compare(now *patch) likeness {
	if p == nil || now == nil {
		return unclear
	}
	mean, deviation := p.inner(0, 0)
	if deviation < flat {
		return unclear
	}
	best, shift := p.correlate(now, mean, deviation, 0, 0), 0.0
	for dy := -reach; best < alike && dy <= reach; dy++ {
		for dx := -reach; dx <= reach; dx++ {
			if c := p.correlate(now, mean, deviation, dx, dy); c > best {
				best, shift = c, math.Hypot(float64(dx), float64(dy))
			}
		}
	}
	if best >= alike && shift <= stillShift {
		return same
	}
	return different
}

// inner returns the mean and the standard deviation of the part of a patch
// that is moved by dx, dy from its middle.
func (p *patch) inner(dx, dy int) (mean, deviation float64) {
	sum, squares := 0, 0
	for y := range innerSide {
		for _, v := range p[(reach+dy+y)*patchSide+reach+dx:][:innerSide] {
			sum += int(v)
			squares += int(v) * int(v)
		}
	}
	const n = innerSide * innerSide
	mean = float64(sum) / n
	return mean, math.Sqrt(math.Max(0, float64(squares)/n-mean*mean))
}

func (p *patch) correlate(now *patch, mean, deviation float64, dx, dy int) float64 {
	mean2, deviation2 := now.inner(dx, dy)
	if deviation2 < flat {
		return 0
	}
	products := 0
	for y := range innerSide {
		a := p[(reach+y)*patchSide+reach:][:innerSide]
		b := now[(reach+dy+y)*patchSide+reach+dx:][:innerSide]
		for i, v := range a {
			products += int(v) * int(b[i])
		}
	}
	const n = innerSide * innerSide
	return (float64(products)/n - mean*mean2) / (deviation * deviation2)
}
