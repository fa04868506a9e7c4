package truth

import (
	"encoding/json"
	"fmt"
	"slices"

	"porchlight/internal/event"
)

// Tracks are the objects on a part of a clip, with their boxes over time.
type Tracks struct {
	Name    string   `json:"clip"`   // of the video file
	FPS     float64  `json:"fps"`    // nominal
	From    float64  `json:"from_s"` // seconds: the annotated part begins
	To      float64  `json:"to_s"`   // seconds: and ends, included
	Labels  []string `json:"labels"` // every object in view of these is among Objects
	Note    string   `json:"note"`
	Objects []Object `json:"objects"`
}

// Object is one person or thing, the same through crossings and absences.
type Object struct {
	ID    int    `json:"id"` // unique within the clip
	Label string `json:"label"`
	Note  string `json:"note"`
	Keys  []Key  `json:"boxes"` // in order of time
}

// Key is what was written down about an object at one moment: its box, or
// that it is out of view from then on. In the file it is [t,x0,y0,x1,y1] or [t].
type Key struct {
	At   float64 // seconds
	Gone bool
	Box  event.Box // of what can be seen of the object
}

// UnmarshalJSON reads [t,x0,y0,x1,y1] or [t].
func (k *Key) UnmarshalJSON(data []byte) error {
	var v []float64
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("keyframe: %w", err)
	}
	switch len(v) {
	case 1:
		*k = Key{At: v[0], Gone: true}
	case 5:
		*k = Key{At: v[0], Box: event.Box{X0: v[1], Y0: v[2], X1: v[3], Y1: v[4]}}
	default:
		return fmt.Errorf("keyframe of %d numbers; want [t,x0,y0,x1,y1], or [t] where the object goes out of view", len(v))
	}
	return nil
}

// Seen is an object in view at one moment.
type Seen struct {
	ID    int
	Label string
	Box   event.Box
}

// At returns the objects in view at a time, in seconds, in the order of the
// file. There are none outside From..To.
func (t *Tracks) At(seconds float64) []Seen {
	if seconds < t.From || seconds > t.To {
		return nil
	}
	var out []Seen
	for _, o := range t.Objects {
		if box, ok := o.At(seconds); ok {
			out = append(out, Seen{o.ID, o.Label, box})
		}
	}
	return out
}

// At returns the object's box at a time, in seconds, and whether it is in
// view. Between two keyframes each edge moves linearly.
func (o *Object) At(seconds float64) (event.Box, bool) {
	i, exact := slices.BinarySearchFunc(o.Keys, seconds, func(k Key, at float64) int {
		switch {
		case k.At < at:
			return -1
		case k.At > at:
			return 1
		}
		return 0
	})
	switch {
	case exact:
		return o.Keys[i].Box, !o.Keys[i].Gone
	case i == 0 || i == len(o.Keys) || o.Keys[i-1].Gone:
		return event.Box{}, false
	case o.Keys[i].Gone:
		return o.Keys[i-1].Box, true
	}
	a, b := o.Keys[i-1], o.Keys[i]
	part := (seconds - a.At) / (b.At - a.At)
	mix := func(from, to float64) float64 { return from + (to-from)*part }
	return event.Box{
		X0: mix(a.Box.X0, b.Box.X0), Y0: mix(a.Box.Y0, b.Box.Y0),
		X1: mix(a.Box.X1, b.Box.X1), Y1: mix(a.Box.Y1, b.Box.Y1),
	}, true
}

func (t *Tracks) check(name string) error {
	switch {
	case t.Name != name:
		return fmt.Errorf("clip is %q; want %q, as the file is named", t.Name, name)
	case !(t.FPS > 0 && t.FPS <= 1000):
		return fmt.Errorf("fps is %g; want more than 0, at most 1000", t.FPS)
	case !(0 <= t.From && t.From < t.To):
		return fmt.Errorf("it covers from_s %g to to_s %g; want 0 ≤ from_s < to_s", t.From, t.To)
	case len(t.Labels) == 0:
		return fmt.Errorf("labels is missing or empty; name the classes of which every object is annotated")
	case len(t.Objects) == 0:
		return fmt.Errorf("objects is missing or empty")
	}
	ids := map[int]bool{}
	for i, o := range t.Objects {
		switch {
		case ids[o.ID]:
			return fmt.Errorf("objects[%d]: id %d is taken; give each object its own", i, o.ID)
		case !slices.Contains(t.Labels, o.Label):
			return fmt.Errorf("objects[%d], id %d: label %q is none of labels %q", i, o.ID, o.Label, t.Labels)
		}
		ids[o.ID] = true
		if err := o.check(t.From, t.To); err != nil {
			return fmt.Errorf("objects[%d], id %d: %w", i, o.ID, err)
		}
	}
	return nil
}

func (o *Object) check(from, to float64) error {
	if len(o.Keys) == 0 || o.Keys[0].Gone {
		return fmt.Errorf("boxes must begin with a box")
	}
	for i, k := range o.Keys {
		b := k.Box
		switch {
		case k.At < from || k.At > to:
			return fmt.Errorf("boxes[%d] is at %g; want from_s to to_s, %g to %g", i, k.At, from, to)
		case i > 0 && k.At <= o.Keys[i-1].At:
			return fmt.Errorf("boxes[%d] is at %g, not after the one before, at %g", i, k.At, o.Keys[i-1].At)
		case i > 0 && k.Gone && o.Keys[i-1].Gone:
			return fmt.Errorf("boxes[%d]: out of view at %g, and already before", i, k.At)
		case !k.Gone && !(0 <= b.X0 && b.X0 < b.X1 && b.X1 <= 1 && 0 <= b.Y0 && b.Y0 < b.Y1 && b.Y1 <= 1):
			return fmt.Errorf("boxes[%d], at %g: %v is no box within the picture; want 0 ≤ x0 < x1 ≤ 1 and 0 ≤ y0 < y1 ≤ 1", i, k.At, [4]float64{b.X0, b.Y0, b.X1, b.Y1})
		}
	}
	return nil
}
