package decode

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"slices"

	"porchlight/internal/face"
)

// YuNet decodes the face detector of that name (Wu et al., "YuNet: A Tiny
// Millisecond-level Face Detector", 2023) for a letterboxed frame. Its outputs
// go by the names cls, obj, bbox and kps with the strides _8, _16 and _32, each
// with a row for every cell of the input: a class score and an objectness,
// whose geometric mean is the score; a box as center, in cells from the cell's
// own corner, and the logarithm of its size in cells; and five landmarks in
// cells from the same corner. Boxes and landmarks returned are in pixels of the
// frame and may leave it; the best score is first.
func YuNet(outputs map[string]Tensor, frame, input image.Point, p Params) ([]face.Face, error) {
	_, ratio := Letterbox(frame, input)
	var list []face.Face
	for _, stride := range []int{8, 16, 32} {
		found, err := yunetLevel(outputs, stride, input, p.Score, 1/ratio)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	list = slices.DeleteFunc(list, func(f face.Face) bool { return !finite(f) })
	slices.SortStableFunc(list, func(a, b face.Face) int { return cmp.Compare(b.Score, a.Score) })
	list = list[:min(len(list), maxCandidates)]
	kept := list[:0]
	for _, f := range list {
		if !slices.ContainsFunc(kept, func(k face.Face) bool { return k.IoU(f) > p.NMS }) {
			kept = append(kept, f)
		}
	}
	return kept, nil
}

func yunetLevel(outputs map[string]Tensor, stride int, input image.Point, minScore, scale float64) ([]face.Face, error) {
	cols, rows := input.X/stride, input.Y/stride
	data := map[string][]float32{}
	for name, width := range map[string]int{"cls": 1, "obj": 1, "bbox": 4, "kps": 10} {
		full := fmt.Sprintf("%s_%d", name, stride)
		t := outputs[full]
		n, err := t.rows(width)
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", full, err)
		}
		if n != cols*rows {
			return nil, fmt.Errorf("%w: output %s has %d rows, want %d", ErrShape, full, n, cols*rows)
		}
		data[name] = t.Data
	}
	var list []face.Face
	unit := func(v float32) float64 { return math.Min(1, math.Max(0, float64(v))) }
	for i := range cols * rows {
		score := math.Sqrt(unit(data["cls"][i]) * unit(data["obj"][i]))
		if !(score > minScore) {
			continue
		}
		b, k := data["bbox"][i*4:], data["kps"][i*10:]
		step, x, y := float64(stride)*scale, float64(i%cols), float64(i/cols)
		cx, cy := (x+float64(b[0]))*step, (y+float64(b[1]))*step
		w, h := math.Exp(float64(b[2]))*step, math.Exp(float64(b[3]))*step
		f := face.Face{Box: [4]float64{cx - w/2, cy - h/2, cx + w/2, cy + h/2}, Score: score}
		for j := range f.Landmarks {
			f.Landmarks[j] = face.Point{X: (x + float64(k[2*j])) * step, Y: (y + float64(k[2*j+1])) * step}
		}
		list = append(list, f)
	}
	return list, nil
}

func finite(f face.Face) bool {
	sum := f.Box[0] + f.Box[1] + f.Box[2] + f.Box[3] + f.Score
	for _, p := range f.Landmarks {
		sum += p.X + p.Y
	}
	return !math.IsNaN(sum) && !math.IsInf(sum, 0)
}
