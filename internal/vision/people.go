//go:build cgo

package vision

import (
	"cmp"
	"math"
	"slices"

	"porchlight/internal/event"
)

// PeopleModel names the built-in people detector.
const PeopleModel = "opencv-hog-people"

// NewPeopleDetector returns the detector that needs no model file: OpenCV's
// histogram of oriented gradients with its default people vectors (Dalal and
// Triggs, CVPR 2005). It sees upright persons of at least about a hundred
// pixels, and about half of those; it is Weak. minScore 0 means 0.5.
func NewPeopleDetector(minScore float64) (*Detector, error) {
	h, err := newHOG()
	if err != nil {
		return nil, err
	}
	return &Detector{model: PeopleModel, weak: true, engine: &peopleEngine{hog: h, minScore: max(minScore, 0.5)}}, nil
}

type peopleEngine struct {
	hog      *hog
	minScore float64
}

func (e *peopleEngine) close() { e.hog.close() }

func (e *peopleEngine) input() int { return maxSide }

// maxSide bounds the cost: the detector looks at a frame's longer side at no
// more pixels, which takes about a tenth of a second on one core.
const maxSide = 800

func (e *peopleEngine) detect(f *event.Frame) ([]event.Detection, error) {
	shrink := math.Min(1, maxSide/float64(max(f.Width, f.Height)))
	boxes, err := e.hog.find(f, shrink)
	if err != nil {
		return nil, err
	}
	sx, sy := 1/(shrink*float64(f.Width)), 1/(shrink*float64(f.Height))
	var found []event.Detection
	for _, b := range boxes {
		// The distance from the boundary says how sure it is; the logistic
		// function only brings it into 0.5..1, it is no probability.
		score := 1 / (1 + math.Exp(-float64(b.weight)))
		x, y, w, h := float64(b.x), float64(b.y), float64(b.width), float64(b.height)
		// The training windows have a margin around the person: a tenth of
		// the width on each side, a fifth of the height in all.
		box := event.Box{
			X0: (x + 0.1*w) * sx, Y0: (y + 0.07*h) * sy,
			X1: (x + 0.9*w) * sx, Y1: (y + 0.87*h) * sy,
		}.Clip()
		if score > e.minScore && box.Area() > 0 {
			found = append(found, event.Detection{Label: "person", Score: score, Box: box})
		}
	}
	slices.SortStableFunc(found, func(a, b event.Detection) int { return cmp.Compare(b.Score, a.Score) })
	return found, nil
}
