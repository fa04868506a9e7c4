package track

import (
	"math"
	"slices"
	"time"

	"porchlight/internal/event"
)

// scene remembers how the whole picture looked a while ago. A detector often
// finds late what was there all the time; then the place of the object looks
// as it did before the object was first seen.
type scene struct{ pictures []thumbnail }

// thumbnail is a small gray picture.
type thumbnail struct {
	at            time.Time
	width, height int
	pix           []uint8
}

const (
	sceneWidth    = 320              // pixels of a thumbnail
	sceneEvery    = 10 * time.Second // a thumbnail is kept
	sceneKept     = 4
	sceneBefore   = 10 * time.Second // who leaves a thing stays with it a while
	sceneSmallest = 5                // pixels of a thumbnail that a box must be wide and high
	sceneSamples  = 2                // a side, per pixel
)

// observe keeps a thumbnail now and then.
func (s *scene) observe(f *event.Frame, at time.Time) {
	if n := len(s.pictures); n > 0 && at.Sub(s.pictures[n-1].at) < sceneEvery || !f.Whole() {
		return
	}
	if len(s.pictures) >= sceneKept {
		s.pictures = slices.Delete(s.pictures, 0, len(s.pictures)-sceneKept+1)
	}
	s.pictures = append(s.pictures, shrink(f, at))
}

func shrink(f *event.Frame, at time.Time) thumbnail {
	t := thumbnail{at: at, width: min(sceneWidth, f.Width)}
	t.height = max(1, min(f.Height, 2*sceneWidth, f.Height*t.width/f.Width))
	t.pix = make([]uint8, t.width*t.height)
	columns, rows := samples(t.width, f.Width), samples(t.height, f.Height)
	for y := range t.height {
		for x := range t.width {
			sum := 0
			for _, fy := range rows[y*sceneSamples:][:sceneSamples] {
				for _, fx := range columns[x*sceneSamples:][:sceneSamples] {
					sum += luma(f, fx, fy)
				}
			}
			t.pix[y*t.width+x] = uint8(sum / (sceneSamples * sceneSamples))
		}
	}
	return t
}

func samples(cells, pixels int) []int {
	out := make([]int, cells*sceneSamples)
	for i := range out {
		out[i] = (2*i + 1) * pixels / (2 * len(out))
	}
	return out
}

// had says whether a place looks now as it did some time before since.
func (s *scene) had(b event.Box, since time.Time, now *event.Frame) likeness {
	for _, then := range slices.Backward(s.pictures) {
		if since.Sub(then.at) < sceneBefore || !now.Whole() {
			continue
		}
		return then.compare(shrink(now, then.at), b)
	}
	return unclear
}

// compare says whether two thumbnails are alike where a box is.
func (t thumbnail) compare(now thumbnail, b event.Box) likeness {
	b = b.Clip()
	x0, x1 := int(math.Ceil(b.X0*float64(t.width))), int(b.X1*float64(t.width))
	y0, y1 := int(math.Ceil(b.Y0*float64(t.height))), int(b.Y1*float64(t.height))
	if t.width != now.width || t.height != now.height || x1-x0 < sceneSmallest || y1-y0 < sceneSmallest {
		return unclear
	}
	var n, sum1, sum2, square1, square2, products float64
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			a, c := float64(t.pix[y*t.width+x]), float64(now.pix[y*t.width+x])
			n++
			sum1, sum2 = sum1+a, sum2+c
			square1, square2, products = square1+a*a, square2+c*c, products+a*c
		}
	}
	deviation1 := math.Sqrt(math.Max(0, square1/n-sum1*sum1/n/n))
	deviation2 := math.Sqrt(math.Max(0, square2/n-sum2*sum2/n/n))
	switch {
	case deviation1 < flat && deviation2 < flat:
		return unclear
	case deviation1 < flat || deviation2 < flat:
		return different
	case (products/n-sum1*sum2/n/n)/(deviation1*deviation2) >= alike:
		return same
	}
	return different
}
