package decode

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"porchlight/internal/event"
)

// Tensor is one output of a network, row-major.
type Tensor struct {
	Shape []int
	Data  []float32
}

// Params of every decoder.
type Params struct {
	Labels []string // by class number
	Score  float64  // boxes must score above it, 0..1
	NMS    float64  // of two boxes of a label with a higher IoU the weaker goes
}

// ErrShape is an output that the decoder does not understand. Usually the
// manifest names the wrong decoder or label list for the model.
var ErrShape = errors.New("network output does not fit the manifest's decoder or labels")

// maxCandidates bounds the work of non-maximum suppression, which is quadratic,
// when a threshold near 0 lets everything pass. The best are kept.
const maxCandidates = 1000

// rows checks that the last dimension of t is width and returns how many rows
// there are; the dimensions before the rows must be 1.
func (t Tensor) rows(width int) (int, error) {
	n := len(t.Shape)
	bad := fmt.Errorf("%w: shape %v, want rows of %d", ErrShape, t.Shape, width)
	if n < 2 || t.Shape[n-1] != width {
		return 0, bad
	}
	for _, d := range t.Shape[:n-2] {
		if d != 1 {
			return 0, bad
		}
	}
	rows := t.Shape[n-2]
	if rows < 0 || rows != len(t.Data)/width || rows*width != len(t.Data) {
		return 0, bad
	}
	return rows, nil
}

type candidate struct {
	class int
	score float64
	box   event.Box // not yet clipped
}

func (c candidate) finite() bool {
	sum := c.score + c.box.X0 + c.box.Y0 + c.box.X1 + c.box.Y1
	return !math.IsNaN(sum) && !math.IsInf(sum, 0)
}

// detections orders, suppresses (when nms is not nil), clips and names.
func detections(list []candidate, labels []string, nms *float64) []event.Detection {
	list = slices.DeleteFunc(list, func(c candidate) bool { return !c.finite() })
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	list = list[:min(len(list), maxCandidates)]
	if nms != nil {
		list = suppress(list, *nms)
	}
	out := make([]event.Detection, 0, len(list))
	for _, c := range list {
		if box := c.box.Clip(); box.Area() > 0 {
			out = append(out, event.Detection{Label: labels[c.class], Score: min(c.score, 1), Box: box})
		}
	}
	return out
}

// suppress is greedy non-maximum suppression for each class by itself. The
// list must be ordered, best first.
func suppress(list []candidate, threshold float64) []candidate {
	kept := list[:0]
	for _, c := range list {
		if !slices.ContainsFunc(kept, func(k candidate) bool {
			return k.class == c.class && k.box.IoU(c.box) > threshold
		}) {
			kept = append(kept, c)
		}
	}
	return kept
}
