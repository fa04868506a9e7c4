package face

import (
	"fmt"
	"math"

	"porchlight/internal/event"
)

// CutBox cuts the box of a face out of a frame and stretches it to a square of
// size pixels, upright or not: what FaceNet is trained on. Of those pixels
// margin are around the box, both sides together; what would leave the frame is
// cut off, and the corners are whole pixels, as facenet-pytorch's extract_face
// has them. Pixels are averaged as by Align. Errors are ErrLandmarks for a box
// outside the frame, ErrSize and ErrFrame.
func CutBox(f *event.Frame, found Face, size int, margin float64) (*event.Frame, error) {
	if err := checkCut(f, size); err != nil {
		return nil, err
	}
	if !(margin >= 0 && margin < float64(size)) {
		return nil, fmt.Errorf("%w: a margin of %v of %d pixels", ErrSize, margin, size)
	}
	aside := margin * found.Width() / (float64(size) - margin) / 2
	above := margin * found.Height() / (float64(size) - margin) / 2
	x0, y0 := math.Trunc(max(found.Box[0]-aside, 0)), math.Trunc(max(found.Box[1]-above, 0))
	x1 := math.Trunc(min(found.Box[2]+aside, float64(f.Width)))
	y1 := math.Trunc(min(found.Box[3]+above, float64(f.Height)))
	if !(x1-x0 >= 1 && y1-y0 >= 1) {
		return nil, fmt.Errorf("%w: its box %v is not in the frame", ErrLandmarks, found.Box)
	}
	w, h := (x1-x0)/float64(size), (y1-y0)/float64(size)
	return cut(f, size, max(w, h), func(p Point) Point {
		return Point{x0 + (p.X+0.5)*w - 0.5, y0 + (p.Y+0.5)*h - 0.5}
	}), nil
}
