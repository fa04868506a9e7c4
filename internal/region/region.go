package region

import "porchlight/internal/event"

// Region is a rectangle of a frame, in pixels: the whole frame, or a square, or
// what of a square fits into the frame. The part of it that lies outside the
// frame, if any, is shown as gray padding.
type Region struct{ X, Y, Width, Height int }

// Whole is the region that shows a whole frame. It is the frame itself, not a
// square: detectors pad a frame to their input on their own.
func Whole(width, height int) Region { return Region{Width: width, Height: height} }

// Box is the part of the frame that the region shows, in fractions of it. It
// is empty for a region outside the frame.
func (r Region) Box(width, height int) event.Box {
	if width < 1 || height < 1 {
		return event.Box{}
	}
	return event.Box{
		X0: float64(r.X) / float64(width), Y0: float64(r.Y) / float64(height),
		X1: float64(r.X+r.Width) / float64(width), Y1: float64(r.Y+r.Height) / float64(height),
	}.Clip()
}

// side is what decides how far a detector scales the region down.
func (r Region) side() int { return max(r.Width, r.Height) }

// toFrame maps a box in fractions of the region to fractions of the frame,
// without clipping it.
func (r Region) toFrame(b event.Box, width, height int) event.Box {
	x := func(v float64) float64 { return (float64(r.X) + v*float64(r.Width)) / float64(width) }
	y := func(v float64) float64 { return (float64(r.Y) + v*float64(r.Height)) / float64(height) }
	return event.Box{X0: x(b.X0), Y0: y(b.Y0), X1: x(b.X1), Y1: y(b.Y1)}
}
