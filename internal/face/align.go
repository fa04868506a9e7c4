package face

import (
	"errors"
	"fmt"
	"math"

	"porchlight/internal/event"
)

// CropSide is the side of the template in pixels, and the usual size of an
// aligned crop.
const CropSide = 112

// Bounds of a crop's memory and of the work on it.
const (
	maxCropSide = 1024
	maxSamples  = 4 // of the frame for a pixel of the crop, in each direction
)

// Errors of Align and Similarity.
var (
	ErrLandmarks = errors.New("landmarks do not make a face")
	ErrSize      = errors.New("crop size out of range")
	ErrFrame     = errors.New("not a frame")
)

// Template is where the landmarks of a face belong in a crop of CropSide
// pixels: the one that ArcFace (Deng et al., arXiv 1801.07698) and the networks
// after it are trained on.
func Template() [5]Point {
	return [5]Point{{38.2946, 51.6963}, {73.5318, 51.5014}, {56.0252, 71.7366}, {41.5493, 92.3655}, {70.7299, 92.2041}}
}

// Transform is a similarity of the plane, x' = A*x - B*y + X and
// y' = B*x + A*y + Y: turned, scaled and moved, never mirrored.
type Transform struct{ A, B, X, Y float64 }

// Apply moves a point.
func (t Transform) Apply(p Point) Point {
	return Point{t.A*p.X - t.B*p.Y + t.X, t.B*p.X + t.A*p.Y + t.Y}
}

// Invert returns the transform that undoes this one.
func (t Transform) Invert() Transform {
	d := t.A*t.A + t.B*t.B
	a, b := t.A/d, -t.B/d
	return Transform{a, b, -(a*t.X - b*t.Y), -(b*t.X + a*t.Y)}
}

// Scale is how much larger things become.
func (t Transform) Scale() float64 { return math.Hypot(t.A, t.B) }

// Similarity returns the transform that brings one set of points closest to
// another, by least squares (Umeyama, IEEE PAMI 13-4, 1991, in the plane and
// without reflection). Points that are all the same, or not finite, are
// ErrLandmarks.
func Similarity(from, to [5]Point) (Transform, error) {
	f, g := mean(from), mean(to)
	var a, b, norm float64
	for i := range from {
		x, y := from[i].X-f.X, from[i].Y-f.Y
		u, v := to[i].X-g.X, to[i].Y-g.Y
		a += x*u + y*v
		b += x*v - y*u
		norm += x*x + y*y
	}
	t := Transform{A: a / norm, B: b / norm}
	t.X, t.Y = g.X-(t.A*f.X-t.B*f.Y), g.Y-(t.B*f.X+t.A*f.Y)
	if scale := t.Scale(); !(norm > 0) || !(scale > 1e-6 && scale < 1e6) || math.IsNaN(t.X+t.Y) || math.IsInf(t.X+t.Y, 0) {
		return Transform{}, fmt.Errorf("%w: %v", ErrLandmarks, from)
	}
	return t, nil
}

func mean(points [5]Point) (m Point) {
	for _, p := range points {
		m.X += p.X / 5
		m.Y += p.Y / 5
	}
	return m
}

// Align cuts a face out of a frame so that its landmarks lie where the template
// has them, in a square of size pixels. Pixels between those of the frame are
// interpolated bilinearly, and where the crop is smaller than the face several
// are averaged, as single ones would alias; what lies outside the frame is
// black. Errors are ErrLandmarks, ErrSize and ErrFrame.
func Align(f *event.Frame, landmarks [5]Point, size int) (*event.Frame, error) {
	if err := checkCut(f, size); err != nil {
		return nil, err
	}
	t, err := toTemplate(landmarks, size)
	if err != nil {
		return nil, err
	}
	back := t.Invert()
	return cut(f, size, back.Scale(), back.Apply), nil
}

// toTemplate moves landmarks to where a crop of size pixels has them.
func toTemplate(landmarks [5]Point, size int) (Transform, error) {
	template := Template()
	for i := range template {
		template[i].X *= float64(size) / CropSide
		template[i].Y *= float64(size) / CropSide
	}
	return Similarity(landmarks, template)
}

func checkCut(f *event.Frame, size int) error {
	if size < 8 || size > maxCropSide {
		return fmt.Errorf("%w: %d pixels: choose 8 to %d", ErrSize, size, maxCropSide)
	}
	if !f.Whole() {
		return fmt.Errorf("%w: %d bytes for %d x %d BGR pixels", ErrFrame, len(f.Pix), f.Width, f.Height)
	}
	return nil
}

// cut makes a square picture of a frame whose points lie in the frame where
// back says, about scale pixels apart.
func cut(f *event.Frame, size int, scale float64, back func(Point) Point) *event.Frame {
	crop := &event.Frame{
		Sequence: f.Sequence, Time: f.Time, Offset: f.Offset,
		Width: size, Height: size, Pix: make([]byte, size*size*3),
	}
	n := min(max(1, int(scale)), maxSamples)
	step := 1 / float64(n)
	for y := range size {
		for x := range size {
			var sum [3]float32
			for i := range n * n {
				// The samples of a pixel lie evenly around its center.
				p := back(Point{
					float64(x) + (float64(i%n)+0.5)*step - 0.5,
					float64(y) + (float64(i/n)+0.5)*step - 0.5,
				})
				sample(f, p, &sum)
			}
			for c, v := range sum {
				crop.Pix[(y*size+x)*3+c] = byte(v/float32(n*n) + 0.5)
			}
		}
	}
	return crop
}

// sample adds the bilinear interpolation of a frame at a point.
func sample(f *event.Frame, p Point, sum *[3]float32) {
	if !(p.X > -1 && p.Y > -1 && p.X < float64(f.Width) && p.Y < float64(f.Height)) {
		return
	}
	x0, y0 := int(math.Floor(p.X)), int(math.Floor(p.Y))
	fx, fy := float32(p.X-float64(x0)), float32(p.Y-float64(y0))
	w := [4]float32{(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy}
	stride := f.Width * 3
	if x0 >= 0 && y0 >= 0 && x0+1 < f.Width && y0+1 < f.Height {
		above := f.Pix[y0*stride+x0*3:][:6]
		below := f.Pix[(y0+1)*stride+x0*3:][:6]
		for c := range 3 {
			sum[c] += w[0]*float32(above[c]) + w[1]*float32(above[c+3]) + w[2]*float32(below[c]) + w[3]*float32(below[c+3])
		}
		return
	}
	for i, weight := range w { // black beyond the edge
		x, y := x0+i%2, y0+i/2
		if x < 0 || y < 0 || x >= f.Width || y >= f.Height {
			continue
		}
		for c := range 3 {
			sum[c] += weight * float32(f.Pix[y*stride+x*3+c])
		}
	}
}
