package track

import (
	"cmp"
	"math"
	"slices"

	"porchlight/internal/event"
)

// sighting is a detection that counts.
type sighting struct {
	event.Detection
	group  string
	colors *colors // nil: not known
}

// mostFound bounds the detections of one look; the surest are kept.
const mostFound = 300

// clean returns the detections that are boxes in the frame and not too
// unsure, surest first, without those of one group that show the same.
func (t *Tracker) clean(s Sight) []sighting {
	out := make([]sighting, 0, min(len(s.Found), mostFound))
	for _, d := range s.Found {
		box, ok := clean(d.Box)
		if ok && d.Score >= t.cfg.Low && !math.IsNaN(d.Score) {
			d.Box, d.Score = box, min(d.Score, 1)
			out = append(out, sighting{Detection: d, group: event.Group(d.Label)})
		}
	}
	slices.SortStableFunc(out, func(a, b sighting) int { return cmp.Compare(b.Score, a.Score) })
	kept := out[:0]
	for _, d := range out[:min(len(out), mostFound)] {
		if !slices.ContainsFunc(kept, func(k sighting) bool { return k.group == d.group && k.Box.IoU(d.Box) > sameBox }) {
			d.colors = colorsOf(s.Frame, d.Box)
			kept = append(kept, d)
		}
	}
	return kept
}
