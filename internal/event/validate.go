package event

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// Bounds of what one event may hold.
const (
	MaxZones  = 16 // in each of its lists
	MaxFaces  = 16
	MaxLabels = 100 // more than any detector in use knows
	MaxName   = 64  // characters of a label, zone, face or model
)

// Validate reports, wrapped in ErrInvalid, the first thing that makes the
// event unfit for the wire.
func (e *Event) Validate() error {
	bad := func(format string, a ...any) error {
		return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, a...))
	}
	if err := ValidateID(e.EventID); err != nil {
		return bad("event_id %q: %v", clipText(e.EventID), err)
	}
	if e.Sequence < 1 {
		return bad("sequence %d: must be 1 or more", e.Sequence)
	}
	switch e.State {
	case Started, Updated, Ended:
	default:
		return bad("state %q: must be started, updated or ended", clipText(string(e.State)))
	}
	if _, _, err := SplitCamera(e.Camera); err != nil {
		return bad("%v", err)
	}
	if e.StartedAt.IsZero() || e.UpdatedAt.IsZero() {
		return bad("started_at and updated_at must be set")
	}
	if (e.State == Ended) != (e.EndedAt != nil) {
		return bad("ended_at goes with state ended, and only with it")
	}
	switch e.Severity {
	case "", Alert, Notice:
	default:
		return bad("severity %q: must be alert or detection", clipText(string(e.Severity)))
	}
	if err := e.validateSeen(); err != nil {
		return bad("%v", err)
	}
	return nil
}

// validateSeen judges what the event says was seen, and where.
func (e *Event) validateSeen() error {
	if !isFraction(e.Score) {
		return fmt.Errorf("score %v: must be 0..1", e.Score)
	}
	if !e.Box.inFrame() {
		return fmt.Errorf("box %v: must be [x0,y0,x1,y1] in fractions of the frame, 0..1, with x0 <= x1 and y0 <= y1",
			[4]float64{e.Box.X0, e.Box.Y0, e.Box.X1, e.Box.Y1})
	}
	if len(e.Labels) > MaxLabels {
		return fmt.Errorf("%d labels: at most %d", len(e.Labels), MaxLabels)
	}
	for label, score := range e.Labels {
		if !isName(label) || !isFraction(score) {
			return fmt.Errorf("labels: %q %v: a label needs a name of 1 to %d characters and a score 0..1", clipText(label), score, MaxName)
		}
	}
	for _, list := range []struct {
		name  string
		zones []string
	}{{"zones", e.Zones}, {"appeared", e.Appeared}, {"removed", e.Removed}} {
		if len(list.zones) > MaxZones {
			return fmt.Errorf("%s: %d zones: at most %d", list.name, len(list.zones), MaxZones)
		}
		for _, zone := range list.zones {
			if !isName(zone) {
				return fmt.Errorf("%s: %q: a zone needs a name of 1 to %d characters", list.name, clipText(zone), MaxName)
			}
		}
	}
	if len(e.Faces) > MaxFaces {
		return fmt.Errorf("%d faces: at most %d", len(e.Faces), MaxFaces)
	}
	for _, f := range e.Faces {
		if f.Name != "" && !isName(f.Name) {
			return fmt.Errorf("faces: %q: a name has at most %d characters", clipText(f.Name), MaxName)
		}
		if !(f.Distance >= 0) || math.IsInf(f.Distance, 0) {
			return fmt.Errorf("faces: distance %v: must be a number, 0 or more", f.Distance)
		}
	}
	if e.Model != "" && !isName(e.Model) {
		return fmt.Errorf("model %q: at most %d characters", clipText(e.Model), MaxName)
	}
	return nil
}

func isName(s string) bool { return s != "" && utf8.RuneCountInString(s) <= MaxName }

// isFraction is also false for what is not a number.
func isFraction(v float64) bool { return v >= 0 && v <= 1 }

// inFrame says whether the box lies in the frame once it is rounded for the
// wire. An empty box does, the zero one included.
func (b Box) inFrame() bool {
	for _, v := range []float64{b.X0, b.Y0, b.X1, b.Y1} {
		if !isFraction(wireRound(v)) {
			return false
		}
	}
	return b.X0 <= b.X1 && b.Y0 <= b.Y1
}
