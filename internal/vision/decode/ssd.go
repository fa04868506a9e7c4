package decode

import (
	"fmt"

	"porchlight/internal/event"
)

// DetectionOutput decodes Caffe's layer of that name: shape [1,1,N,7], rows of
// image, class, score, x0, y0, x1, y1 with corners in fractions of the frame.
// The layer has done its own suppression. It pads with rows of zeros.
func DetectionOutput(t Tensor, p Params) ([]event.Detection, error) {
	if len(t.Data) == 0 {
		return nil, nil
	}
	rows, err := t.rows(7)
	if err != nil {
		return nil, err
	}
	var list []candidate
	for i := range rows {
		r := t.Data[i*7 : i*7+7]
		score := float64(r[2])
		if !(score > p.Score) || score == 0 {
			continue
		}
		class := int(r[1])
		if class < 0 || class >= len(p.Labels) {
			return nil, fmt.Errorf("%w: class %v, but there are %d labels", ErrShape, r[1], len(p.Labels))
		}
		list = append(list, candidate{class, score, event.Box{
			X0: float64(r[3]), Y0: float64(r[4]), X1: float64(r[5]), Y1: float64(r[6]),
		}})
	}
	return detections(list, p.Labels, nil), nil
}
