package face

import (
	"fmt"
	"math"

	"porchlight/internal/event"
)

// A tight crop is a picture that somebody else has cut along the box of a face
// and stretched to a square, as facenet-pytorch's MTCNN does with margin 0:
// nothing is left of the surroundings that detectors go by, and the face,
// which is about 3/4 as wide as high, is as wide as high.
const (
	leastStretch = 0.75 // width of a face over its height, of those upright and from the front
	stretchStep  = 0.05
	foundStretch = 0.85 // at which faces of either kind are found best
)

// Surroundings is a frame put in the middle of a larger picture, where
// detectors find the face that fills the frame.
type Surroundings struct {
	Frame *event.Frame // square; black around
	of    *event.Frame
	scale [2]float64 // of the frame's pixels for one here, across and down
	begin [2]float64 // of the frame, here
}

// Surround puts a frame in the middle of a square of side pixels, whose part
// it fills with its longer side, 0..1. One that is square may be a tight crop and is
// drawn narrower, between what such a one and another would want.
// Errors are ErrSize and ErrFrame.
func Surround(f *event.Frame, side int, part float64) (*Surroundings, error) {
	if err := checkCut(f, side); err != nil {
		return nil, err
	}
	if !(part > 0 && part <= 1) {
		return nil, fmt.Errorf("%w: part %v: choose more than 0, at most 1", ErrSize, part)
	}
	longer := float64(max(f.Width, f.Height))
	room := part * float64(side)
	w, h := room*float64(f.Width)/longer, room*float64(f.Height)/longer
	if f.Width == f.Height {
		w *= foundStretch
	}
	s := &Surroundings{
		of:    f,
		scale: [2]float64{float64(f.Width) / w, float64(f.Height) / h},
		begin: [2]float64{(float64(side) - w) / 2, (float64(side) - h) / 2},
	}
	s.Frame = cut(f, side, max(s.scale[0], s.scale[1]), func(p Point) Point {
		return Point{(p.X+0.5-s.begin[0])*s.scale[0] - 0.5, (p.Y+0.5-s.begin[1])*s.scale[1] - 0.5}
	})
	return s, nil
}

// Back returns a face found in the surroundings where it is in the frame.
func (s *Surroundings) Back(f Face) Face {
	x := func(v float64) float64 { return (v - s.begin[0]) * s.scale[0] }
	y := func(v float64) float64 { return (v - s.begin[1]) * s.scale[1] }
	f.Box = [4]float64{x(f.Box[0]), y(f.Box[1]), x(f.Box[2]), y(f.Box[3])}
	for i, p := range f.Landmarks {
		f.Landmarks[i] = Point{x(p.X), y(p.Y)}
	}
	return f
}

// Fills tells that a face takes most of a frame, so that somebody has cut the
// frame along it.
func (f Face) Fills(frame *event.Frame) bool {
	w, h := float64(frame.Width), float64(frame.Height)
	whole := Face{Box: [4]float64{0, 0, w, h}}
	return f.Width() >= w/2 && f.Height() >= h/2 && f.IoU(whole) >= 0.4
}

// AlignTight is Align for a face in what may be a tight crop: where the frame
// is square and the face fills it, it is first made as narrow as its landmarks
// say that a face of their kind is.
func AlignTight(f *event.Frame, found Face, size int) (*event.Frame, error) {
	if f.Width != f.Height || !found.Fills(f) {
		return Align(f, found.Landmarks, size)
	}
	if err := checkCut(f, size); err != nil {
		return nil, err
	}
	stretch := stretchOf(found.Landmarks)
	t, err := toTemplate(narrowed(found.Landmarks, stretch), size)
	if err != nil {
		return nil, err
	}
	back := t.Invert()
	return cut(f, size, back.Scale()/stretch, func(p Point) Point {
		q := back.Apply(p)
		return Point{q.X / stretch, q.Y}
	}), nil
}

// stretchOf returns how much narrower a tight crop must be for its landmarks to
// lie most like those of the template.
func stretchOf(landmarks [5]Point) float64 {
	best, least := 1.0, math.Inf(1)
	for stretch := leastStretch; stretch < 1+stretchStep/2; stretch += stretchStep {
		moved := narrowed(landmarks, stretch)
		t, err := Similarity(moved, Template())
		if err != nil {
			continue
		}
		var off float64
		for i, want := range Template() {
			p := t.Apply(moved[i])
			off += (p.X-want.X)*(p.X-want.X) + (p.Y-want.Y)*(p.Y-want.Y)
		}
		if off < least {
			best, least = stretch, off
		}
	}
	return best
}

func narrowed(landmarks [5]Point, by float64) [5]Point {
	for i := range landmarks {
		landmarks[i].X *= by
	}
	return landmarks
}
