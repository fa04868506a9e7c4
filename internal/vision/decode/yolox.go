package decode

import (
	"image"
	"math"

	"porchlight/internal/event"
)

// Letterbox tells how a frame is fitted into a network's input without
// changing its shape: scaled by ratio to inner pixels, at the top left.
func Letterbox(frame, input image.Point) (inner image.Point, ratio float64) {
	ratio = math.Min(float64(input.X)/float64(frame.X), float64(input.Y)/float64(frame.Y))
	inner.X = max(1, int(float64(frame.X)*ratio))
	inner.Y = max(1, int(float64(frame.Y)*ratio))
	return inner, ratio
}

// YOLOX decodes the raw head of YOLOX (arXiv 2107.08430) for a letterboxed
// frame: shape [1,N,5+classes], rows of x, y, w, h, objectness and class
// scores, cell by cell for strides 8, 16 and 32. Position counts in cells from
// the cell's own, size is the logarithm of cells; a class scores its value
// times the objectness.
func YOLOX(t Tensor, frame, input image.Point, p Params) ([]event.Detection, error) {
	width := 5 + len(p.Labels)
	rows, err := t.rows(width)
	if err != nil {
		return nil, err
	}
	grid := cells(input)
	if rows != len(grid) {
		return nil, ErrShape
	}
	_, ratio := Letterbox(frame, input)
	fw, fh := float64(frame.X)*ratio, float64(frame.Y)*ratio // the frame in input pixels
	var list []candidate
	for i, c := range grid {
		r := t.Data[i*width : (i+1)*width]
		object := float64(r[4])
		if !(object > p.Score) { // class scores are at most 1
			continue
		}
		box := centered(
			(float64(r[0])+c.x)*c.stride/fw, (float64(r[1])+c.y)*c.stride/fh,
			math.Exp(float64(r[2]))*c.stride/fw, math.Exp(float64(r[3]))*c.stride/fh)
		for class, s := range r[5:] {
			if score := object * float64(s); score > p.Score {
				list = append(list, candidate{class, score, box})
			}
		}
	}
	return detections(list, p.Labels, &p.NMS), nil
}

type cell struct{ x, y, stride float64 }

// cells lists the grid cells of an input in the order of YOLOX's rows.
func cells(input image.Point) []cell {
	var list []cell
	for _, stride := range []int{8, 16, 32} {
		for y := range input.Y / stride {
			for x := range input.X / stride {
				list = append(list, cell{float64(x), float64(y), float64(stride)})
			}
		}
	}
	return list
}
