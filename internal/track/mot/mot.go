// Package mot scores trackers against the truth: the CLEAR MOT metrics, the
// identity metrics and HOTA. It is pure Go.
package mot

import (
	"errors"
	"fmt"
	"math"

	"porchlight/internal/event"
)

// ErrInput is wrapped by the errors about sequences that cannot be scored.
var ErrInput = errors.New("tracks cannot be scored")

// Object is one box with its identity.
type Object struct {
	ID  int64
	Box event.Box
}

// Frame is what is in a frame and what the tracker said. The ids of the two
// have nothing to do with each other; within each an id occurs once.
type Frame struct{ Truth, Found []Object }

// Score of a tracker on one sequence.
type Score struct {
	Clear
	Identity
	Higher
}

// Evaluate scores a sequence of frames with all metrics. Boxes must overlap by
// minIoU, more than 0 and up to 1 (0.5 is usual), to count as the same in the
// first two; HOTA takes all. Errors wrap ErrInput.
func Evaluate(frames []Frame, minIoU float64) (Score, error) {
	if !(minIoU > 0 && minIoU <= 1) {
		return Score{}, fmt.Errorf("%w: least overlap %g, want more than 0 and up to 1", ErrInput, minIoU)
	}
	s, err := index(frames)
	if err != nil {
		return Score{}, err
	}
	return Score{Clear: s.clear(minIoU), Identity: s.identity(minIoU), Higher: s.higher()}, nil
}

// sequence is a sequence with ids counted through from 0, and how much the
// boxes of each frame overlap.
type sequence struct {
	frames       []indexed
	truth, found int   // ids
	inTruth      []int // frames with each id
	inFound      []int
	boxes        [2]int // in truth and found
}

type indexed struct {
	truth, found []int
	iou          [][]float64 // by place in truth and in found
}

func index(frames []Frame) (*sequence, error) {
	s := &sequence{}
	truths, founds := map[int64]int{}, map[int64]int{}
	for i, f := range frames {
		truth, err := number(f.Truth, truths, &s.inTruth)
		if err != nil {
			return nil, fmt.Errorf("%w: frame %d, truth: %w", ErrInput, i, err)
		}
		found, err := number(f.Found, founds, &s.inFound)
		if err != nil {
			return nil, fmt.Errorf("%w: frame %d, found: %w", ErrInput, i, err)
		}
		n := indexed{truth: truth, found: found, iou: make([][]float64, len(truth))}
		for a := range truth {
			n.iou[a] = make([]float64, len(found))
			for b := range found {
				n.iou[a][b] = f.Truth[a].Box.IoU(f.Found[b].Box)
			}
		}
		s.frames = append(s.frames, n)
		s.boxes[0], s.boxes[1] = s.boxes[0]+len(truth), s.boxes[1]+len(found)
	}
	s.truth, s.found = len(truths), len(founds)
	return s, nil
}

func number(objects []Object, numbers map[int64]int, frames *[]int) ([]int, error) {
	out := make([]int, len(objects))
	in := map[int64]bool{}
	for i, o := range objects {
		for _, v := range []float64{o.Box.X0, o.Box.Y0, o.Box.X1, o.Box.Y1} {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("the box of id %d has a side that is not a number", o.ID)
			}
		}
		if in[o.ID] {
			return nil, fmt.Errorf("id %d occurs twice", o.ID)
		}
		in[o.ID] = true
		n, known := numbers[o.ID]
		if !known {
			n = len(numbers)
			numbers[o.ID] = n
			*frames = append(*frames, 0)
		}
		out[i] = n
		(*frames)[n]++
	}
	return out, nil
}

// part of a whole; 0 of nothing.
func part(a, of float64) float64 {
	if of == 0 {
		return 0
	}
	return a / of
}
