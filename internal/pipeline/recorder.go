package pipeline

import (
	"maps"
	"math"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/track"
)

// recorder is the state machine of one camera's events. One event at a time
// is open; it takes in every active track until all has been quiet.
type recorder struct {
	camera, model string
	quiet         time.Duration

	open       *event.Event
	activeAt   time.Time // last time something active was seen
	published  event.Event
	bestWorth  float64
	betterSeen bool // a better picture waits for the next update
	best       *event.Frame
}

// news is one state of an event to be published, with its new best picture
// if it has one.
type news struct {
	event   event.Event
	picture *event.Frame
}

const (
	updateAtMost = time.Second // between two updates
	betterBy     = 1.15        // how much better a picture must be to replace the best
)

// activeFor is how long an object at rest stays interesting. People wait at
// doors; what else comes to rest has been parked.
func activeFor(label string) time.Duration {
	if label == "person" {
		return 30 * time.Second
	}
	return 10 * time.Second
}

func newRecorder(camera, model string, quiet time.Duration) *recorder {
	if quiet == 0 {
		quiet = 5 * time.Second
	}
	return &recorder{camera: camera, model: model, quiet: quiet}
}

// observe takes the confirmed tracks seen in frame f and returns what there
// is to publish.
func (r *recorder) observe(f *event.Frame, tracks []track.Track) []news {
	var active []track.Track
	for _, t := range tracks {
		if t.Seen && t.True && !t.MovedAt.IsZero() && f.Time.Sub(t.MovedAt) <= activeFor(t.Label) {
			active = append(active, t)
		}
	}
	if len(active) == 0 {
		if r.open != nil && f.Time.Sub(r.activeAt) >= r.quiet {
			return r.finish()
		}
		return nil
	}
	r.activeAt = f.Time
	if r.open == nil {
		return r.start(f, active)
	}
	return r.update(f, active)
}

func (r *recorder) start(f *event.Frame, active []track.Track) []news {
	first := active[0].FirstSeen
	for _, t := range active {
		if t.FirstSeen.Before(first) {
			first = t.FirstSeen
		}
	}
	// A track that rested before it moved was not happening all that time.
	if earliest := f.Time.Add(-r.quiet); first.Before(earliest) {
		first = earliest
	}
	r.open = &event.Event{
		EventID: event.NewID(first), State: event.Started, Camera: r.camera,
		StartedAt: event.At(first), Labels: map[string]float64{},
		Zones: []string{}, Faces: []event.Face{}, Model: r.model,
	}
	r.bestWorth = 0
	r.absorb(f, active)
	return r.publish(f.Time)
}

func (r *recorder) update(f *event.Frame, active []track.Track) []news {
	newLabel := r.absorb(f, active)
	if !newLabel && (!r.betterSeen || f.Time.Sub(r.published.UpdatedAt.Time) < updateAtMost) {
		return nil
	}
	r.open.State = event.Updated
	return r.publish(f.Time)
}

// finish ends the open event at the time something active was last seen.
func (r *recorder) finish() []news {
	if r.open == nil {
		return nil
	}
	end := event.At(r.activeAt)
	r.open.State, r.open.EndedAt = event.Ended, &end
	out := r.publish(r.activeAt)
	r.open, r.best = nil, nil
	return out
}

// absorb merges the tracks into the open event and tells whether one brought
// a label it did not have.
func (r *recorder) absorb(f *event.Frame, active []track.Track) (newLabel bool) {
	for _, t := range active {
		if best, known := r.open.Labels[t.Label]; !known || t.Score > best {
			newLabel = newLabel || !known
			r.open.Labels[t.Label] = round(t.Score)
		}
		if worth := worth(t); worth > r.bestWorth*betterBy {
			r.bestWorth, r.best, r.betterSeen = worth, f, true
			r.open.Box, r.open.Score = t.Box, round(t.Score)
		}
	}
	return newLabel
}

// worth of a picture of a track: sure, large, and not cut by the edge.
func worth(t track.Track) float64 {
	w := t.Score * math.Sqrt(math.Min(t.Box.Area(), 0.25))
	const edge = 0.01
	if t.Box.X0 < edge || t.Box.Y0 < edge || t.Box.X1 > 1-edge || t.Box.Y1 > 1-edge {
		w /= 2
	}
	return w
}

func (r *recorder) publish(at time.Time) []news {
	r.open.Sequence++
	r.open.UpdatedAt = event.At(at)
	n := news{event: *r.open}
	n.event.Labels = maps.Clone(r.open.Labels)
	if r.betterSeen {
		n.picture, r.betterSeen = r.best, false
	}
	r.published = n.event
	return []news{n}
}

func round(v float64) float64 { return math.Round(v*1e4) / 1e4 }
