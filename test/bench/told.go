package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"porchlight/internal/event"
	"porchlight/test/footage/truth"
)

// sighting is what the detector alone sees on one frame.
type sighting struct {
	at     float64 // seconds of the video
	labels []string
}

// runs are the events that follow from looking at every frame: something is
// seen, again and again, with gaps of less than two seconds.
func runs(all []sighting) (events []truth.Event) {
	for _, s := range all {
		if len(s.labels) == 0 {
			continue
		}
		if n := len(events); n == 0 || s.at-events[n-1].End >= truth.MinGap {
			events = append(events, truth.Event{Start: s.at})
		}
		e := &events[len(events)-1]
		e.End = s.at
		for _, l := range s.labels {
			if !slices.Contains(e.Labels, l) {
				e.Labels = append(e.Labels, l)
			}
		}
	}
	return events
}

// sink keeps the last state of each event.
type sink struct {
	origin time.Time
	last   map[string]*truth.Event
	order  []string
}

// Publish implements pipeline.Sink.
func (s *sink) Publish(_ context.Context, e event.Event, _ []byte) error {
	at := func(t event.Time) float64 { return t.Sub(s.origin).Seconds() }
	if s.last[e.EventID] == nil {
		s.order = append(s.order, e.EventID)
	}
	known := &truth.Event{Labels: slices.Sorted(maps.Keys(e.Labels)), Start: at(e.StartedAt), End: at(e.UpdatedAt)}
	if e.EndedAt != nil {
		known.End = at(*e.EndedAt)
	}
	s.last[e.EventID] = known
	return nil
}

func (s *sink) events() (out []truth.Event) {
	for _, id := range s.order {
		out = append(out, *s.last[id])
	}
	return out
}

// score holds events against what a person has seen; zero where that is not known.
func (s scene) score(events []truth.Event) truth.Counts {
	if s.truth == nil {
		return truth.Counts{}
	}
	moved := slices.Clone(events)
	for i := range moved {
		moved[i].Start, moved[i].End = moved[i].Start-s.lead, moved[i].End-s.lead
	}
	return s.truth.Score(moved).Counts()
}

func tell(c truth.Counts) string {
	return fmt.Sprintf("events: %d told, %d missed, %d extra", c.Matched, c.Missed, c.Extra)
}
