package pipeline

import (
	"fmt"
	"slices"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/polygon"
	"porchlight/internal/region"
)

// filter sorts out what does not count.
type filter struct {
	settings config.Camera
	minScore float64
}

// rename gives detections the labels that the owner says they have here.
func (l *filter) rename(found []event.Detection) {
	for i, d := range found {
		if label, known := l.settings.Aliases[d.Label]; known {
			found[i].Label = label
		}
	}
}

// sort returns the detections that the tracker is to know of, and those that
// do not count, with the reason. A weak one is in both: it makes nothing by
// itself, but may continue a track.
func (l *filter) sort(found []region.Found) (kept []event.Detection, ignored []Ignored) {
	for _, d := range found {
		if reason := l.reason(d.Detection); reason != "" {
			ignored = append(ignored, Ignored{Detection: d.Detection, Reason: reason})
			continue
		}
		if least := l.least(d.Label); d.Score < least {
			ignored = append(ignored, Ignored{
				Detection: d.Detection, Reason: fmt.Sprintf("score %.2f is under %.2f, the least for %s", d.Score, least, d.Label),
			})
		}
		kept = append(kept, d.Detection)
	}
	return kept, ignored
}

func (l *filter) reason(d event.Detection) string {
	s, limit := l.settings, l.settings.Objects[d.Label]
	switch area := d.Box.Area(); {
	case len(s.Labels) > 0 && !slices.Contains(s.Labels, d.Label):
		return "its label is not wanted"
	case area < limit.MinArea:
		return fmt.Sprintf("area %.4f is under %.4f, the least for %s", area, limit.MinArea, d.Label)
	case limit.MaxArea > 0 && area > limit.MaxArea:
		return fmt.Sprintf("area %.4f is over %.4f, the most for %s", area, limit.MaxArea, d.Label)
	}
	at := feet(d.Box)
	for i, m := range s.ObjectMasks {
		if (len(m.Labels) == 0 || slices.Contains(m.Labels, d.Label)) && m.Polygon.Contains(at) {
			return fmt.Sprintf("in object mask %d", i+1)
		}
	}
	return ""
}

// least is the score from which a detection counts by itself.
func (l *filter) least(label string) float64 {
	if v := l.settings.Objects[label].MinScore; v > 0 {
		return v
	}
	return l.minScore
}

// feet is where an object stands: the middle of its lower edge.
func feet(b event.Box) polygon.Point { return polygon.Point{X: (b.X0 + b.X1) / 2, Y: b.Y1} }
