package decode

import (
	"porchlight/internal/event"
)

// Darknet decodes OpenCV's Region layers: each output has rows of cx, cy, w, h
// in fractions of the frame, objectness, and one score for each class that
// includes the objectness. Of each row only the best class counts.
func Darknet(outputs []Tensor, p Params) ([]event.Detection, error) {
	var list []candidate
	width := 5 + len(p.Labels)
	for _, t := range outputs {
		rows, err := t.rows(width)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			r := t.Data[i*width : (i+1)*width]
			class, score := best(r[5:])
			if float64(score) > p.Score {
				list = append(list, candidate{class, float64(score), centered(
					float64(r[0]), float64(r[1]), float64(r[2]), float64(r[3]))})
			}
		}
	}
	return detections(list, p.Labels, &p.NMS), nil
}

func best(scores []float32) (class int, score float32) {
	for i, s := range scores {
		if s > score {
			class, score = i, s
		}
	}
	return class, score
}

// centered is the box of a center and a size.
func centered(cx, cy, w, h float64) event.Box {
	return event.Box{X0: cx - w/2, Y0: cy - h/2, X1: cx + w/2, Y1: cy + h/2}
}
