package mtcnn

import (
	"math"
	"slices"

	"porchlight/internal/face"
)

// Thresholds of the three networks, all of the reference.
const (
	minProposal = 0.6
	minRefined  = 0.7
	minOutput   = 0.7
)

// Row lengths of the networks' outputs: the probability of a face and four
// shifts of its corners, and for the output network x and then y of five
// landmarks in fractions of the box.
const (
	CellLen   = 5
	OutputLen = 15
)

// Propose appends the boxes of a part of the proposal network's map: whole
// rows of cells from the row first on, CellLen numbers a cell. A cell stands
// for the 12 pixels from twice its place on.
func Propose(list []Box, cells []float32, first int, s Scale) []Box {
	cols := s.Cells().X
	scale := float32(s.Factor)
	at := func(v int) float32 { return float32(math.Floor(float64(float32(v) / scale))) }
	for i := range len(cells) / CellLen {
		c := cells[i*CellLen : (i+1)*CellLen]
		if !(c[0] >= minProposal) {
			continue
		}
		x, y := i%cols, first+i/cols
		list = append(list, Box{
			X1: at(2*x + 1), Y1: at(2*y + 1), X2: at(2*x + Side), Y2: at(2*y + Side),
			Score: c[0], Shift: [4]float32(c[1:]),
		})
	}
	return list
}

// Proposed joins the proposals of all scales, in the order of the scales and
// each in the order of its map, to the boxes that the refining network is to
// look at.
func Proposed(scales [][]Box) []Box {
	var all []Box
	for _, list := range scales {
		all = append(all, suppress(list, 0.5)...)
	}
	all = suppress(all, 0.7)
	for i, b := range all {
		all[i] = b.shifted(0).square()
	}
	return slices.DeleteFunc(all, func(b Box) bool { return !b.finite() })
}

// Refined takes what the refining network says of each box, CellLen numbers,
// and returns the boxes that the output network is to look at.
func Refined(list []Box, outputs []float32) []Box {
	list = judged(list, outputs, CellLen, minRefined, nil)
	list = suppress(list, 0.7)
	for i, b := range list {
		list[i] = b.shifted(1).square()
	}
	return slices.DeleteFunc(list, func(b Box) bool { return !b.finite() })
}

// Finished takes what the output network says of each box, OutputLen numbers,
// and returns the faces, best score first.
func Finished(list []Box, outputs []float32) []face.Face {
	list = judged(list, outputs, OutputLen, minOutput, func(b *Box, o []float32) {
		w, h := b.X2-b.X1+1, b.Y2-b.Y1+1
		for p := range b.Points {
			b.Points[p] = [2]float32{float32(w*o[5+p]) + b.X1 - 1, float32(h*o[10+p]) + b.Y1 - 1}
		}
	})
	for i, b := range list {
		list[i] = b.shifted(1)
	}
	list = slices.DeleteFunc(list, func(b Box) bool { return !b.finite() })
	var faces []face.Face
	for _, b := range suppressInside(list, 0.7) {
		f := face.Face{
			Box:   [4]float64{float64(b.X1), float64(b.Y1), float64(b.X2), float64(b.Y2)},
			Score: min(float64(b.Score), 1),
		}
		for p, at := range b.Points {
			f.Landmarks[p] = face.Point{X: float64(at[0]), Y: float64(at[1])}
		}
		faces = append(faces, f)
	}
	return faces
}

// judged keeps the boxes whose output begins with a probability above the
// threshold and gives them that score and the shifts after it.
func judged(list []Box, outputs []float32, length int, threshold float32, each func(*Box, []float32)) []Box {
	kept := list[:0]
	for i, b := range list[:min(len(list), len(outputs)/length)] {
		o := outputs[i*length : (i+1)*length]
		if !(o[0] > threshold) {
			continue
		}
		b.Score, b.Shift = o[0], [4]float32(o[1:])
		if each != nil {
			each(&b, o)
		}
		kept = append(kept, b)
	}
	return kept
}
