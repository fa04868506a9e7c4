package track

import (
	"math"
	"slices"

	"porchlight/internal/event"
)

// Smallest side of a box, in fractions of the frame, that counts.
const smallestSide = 1e-3

// clean returns the part of a box inside the frame, and whether there is any.
func clean(b event.Box) (event.Box, bool) {
	for _, v := range []float64{b.X0, b.Y0, b.X1, b.Y1} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return event.Box{}, false
		}
	}
	b = b.Clip()
	return b, b.Width() >= smallestSide && b.Height() >= smallestSide
}

func moved(b event.Box, dx, dy float64) event.Box {
	return event.Box{X0: b.X0 + dx, Y0: b.Y0 + dy, X1: b.X1 + dx, Y1: b.Y1 + dy}
}

// blend returns a box that is part of the way, 0..1, from a to b.
func blend(a, b event.Box, part float64) event.Box {
	return event.Box{
		X0: a.X0 + part*(b.X0-a.X0), Y0: a.Y0 + part*(b.Y0-a.Y0),
		X1: a.X1 + part*(b.X1-a.X1), Y1: a.Y1 + part*(b.Y1-a.Y1),
	}
}

// typical returns the box whose every side is the median of those sides.
func typical(boxes []event.Box) event.Box {
	side := func(of func(event.Box) float64) float64 {
		values := make([]float64, 0, 10)
		for _, b := range boxes {
			values = append(values, of(b))
		}
		return median(values)
	}
	return event.Box{
		X0: side(func(b event.Box) float64 { return b.X0 }), Y0: side(func(b event.Box) float64 { return b.Y0 }),
		X1: side(func(b event.Box) float64 { return b.X1 }), Y1: side(func(b event.Box) float64 { return b.Y1 }),
	}
}

func average(boxes []event.Box) event.Box {
	var sum event.Box
	for _, b := range boxes {
		sum.X0, sum.Y0, sum.X1, sum.Y1 = sum.X0+b.X0, sum.Y0+b.Y0, sum.X1+b.X1, sum.Y1+b.Y1
	}
	n := float64(len(boxes))
	return event.Box{X0: sum.X0 / n, Y0: sum.Y0 / n, X1: sum.X1 / n, Y1: sum.Y1 / n}
}

// median of values, which it sorts; 0 of none.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	slices.Sort(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// inside is the part, 0..1, of a box that others cover at most.
func inside(b event.Box, others []event.Box) float64 {
	most := 0.0
	for _, o := range others {
		most = math.Max(most, b.Intersect(o))
	}
	if area := b.Area(); area > 0 {
		return most / area
	}
	return 0
}
