// Package polygon is the shape in which owners draw zones and masks: corners
// in fractions of the frame, so that it fits every size of picture.
package polygon

import (
	"errors"
	"math"
)

// Point of a frame in fractions of its width and height: 0,0 is the top left
// corner, 1,1 the bottom right one. On the wire it is the array [x,y].
type Point struct{ X, Y float64 }

// Polygon is a closed shape: its last corner is joined to its first. On the
// wire it is the array [[x,y],…] of its corners.
type Polygon []Point

// ErrInvalid is wrapped by every error about a polygon.
var ErrInvalid = errors.New("invalid polygon")

// Contains says whether p lies in the polygon. A point on an edge or a corner
// does, so that what stands on the lower border of the frame is in a zone
// that reaches down to it, and what stands on a border of two zones is in
// both. A polygon of fewer than three corners contains nothing, nor does any
// contain a point that is not a number.
//
// It counts the edges to the right of p: an odd number means inside, also for
// a polygon that crosses itself.
func (poly Polygon) Contains(p Point) bool {
	if len(poly) < 3 {
		return false
	}
	inside := false
	for i, corner := range poly {
		e := edgeBetween(corner, poly[(i+1)%len(poly)])
		switch {
		case !(e.top.Y <= p.Y && p.Y <= e.bottom.Y):
		case e.level():
			if from, to := e.between(); from <= p.X && p.X <= to {
				return true
			}
		default:
			at := e.at(p.Y)
			if p.X == at {
				return true
			}
			if p.Y < e.bottom.Y && p.X < at { // a corner counts for the edge below it only
				inside = !inside
			}
		}
	}
	return inside
}

// Area is the fraction of the frame that the polygon covers, 0..1 for a valid
// one, by the shoelace formula.
func (poly Polygon) Area() float64 {
	sum := 0.0
	for i, a := range poly {
		b := poly[(i+1)%len(poly)]
		sum += a.X*b.Y - b.X*a.Y
	}
	return math.Abs(sum) / 2
}

// edge of a polygon, from its upper end to its lower one: however a polygon
// goes round, an edge cuts a row at exactly the same place.
type edge struct{ top, bottom Point }

func edgeBetween(a, b Point) edge {
	if a.Y > b.Y {
		a, b = b, a
	}
	return edge{a, b}
}

func (e edge) level() bool { return e.top.Y == e.bottom.Y }

// between returns the leftmost and the rightmost x.
func (e edge) between() (from, to float64) {
	return math.Min(e.top.X, e.bottom.X), math.Max(e.top.X, e.bottom.X)
}

// at returns the x at which an edge that is not level has the height y, which
// it must reach. It is exact at both ends.
func (e edge) at(y float64) float64 {
	if y == e.bottom.Y {
		return e.bottom.X
	}
	return e.top.X + (y-e.top.Y)/(e.bottom.Y-e.top.Y)*(e.bottom.X-e.top.X)
}
