package polygon

import (
	"fmt"
	"math"
	"strconv"
)

// Bounds of a valid polygon.
const (
	MinCorners = 3
	MaxCorners = 64
	MinArea    = 1e-5 // of the frame: 3 by 3 pixels of 1280x720
)

// grain is the number of steps into which Validate divides the frame's sides.
// On whole steps its arithmetic is exact, and what lies within a step of
// another thing touches it.
const grain = 1 << 20

// Validate reports, wrapped in ErrInvalid, the first thing that makes the
// polygon none that could be drawn in a frame: too few or too many corners,
// one outside the frame, two in the same place, edges that cross or touch, or
// next to no area. Corners count from 1; an edge is named by its corners.
func (poly Polygon) Validate() error {
	bad := func(format string, a ...any) error {
		return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, a...))
	}
	if len(poly) < MinCorners || len(poly) > MaxCorners {
		return bad("it has %d corners: draw %d to %d", len(poly), MinCorners, MaxCorners)
	}
	for i, p := range poly {
		if !inFrame(p.X) || !inFrame(p.Y) {
			return bad("corner %d is at %s: want fractions of the frame, 0 to 1", i+1, p)
		}
	}
	for i, p := range poly {
		next := (i + 1) % len(poly)
		if snap(p) != snap(poly[next]) {
			continue
		}
		if next == 0 {
			return bad("the last corner is the first again, at %s: leave it out, a polygon closes itself", p)
		}
		return bad("corners %d and %d are both at %s: remove one", i+1, next+1, p)
	}
	if i, j, crossing := poly.crossing(); crossing {
		return bad("the edge from corner %d to %d crosses or touches the one from %d to %d: give the corners in their order round the shape",
			i+1, (i+1)%len(poly)+1, j+1, (j+1)%len(poly)+1)
	}
	if area := poly.Area(); area < MinArea {
		return bad("it covers %.2g of the frame, which is next to nothing: want at least %g", area, MinArea)
	}
	return nil
}

func inFrame(v float64) bool { return v >= 0 && v <= 1 }

// String returns x,y.
func (p Point) String() string { return number(p.X) + "," + number(p.Y) }

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// gridPoint is a point in steps of 1/grain.
type gridPoint struct{ x, y int64 }

func snap(p Point) gridPoint {
	return gridPoint{int64(math.Round(p.X * grain)), int64(math.Round(p.Y * grain))}
}

// crossing returns the first two edges, by the index of their first corners,
// that have a point in common other than the corner that joins neighbours.
func (poly Polygon) crossing() (i, j int, found bool) {
	n := len(poly)
	corner := func(i int) gridPoint { return snap(poly[i%n]) }
	for i := range n {
		for j := i + 1; j < n; j++ {
			a, b, c, d := corner(i), corner(i+1), corner(j), corner(j+1)
			switch {
			case j == i+1:
				if foldsBack(a, b, d) {
					return i, j, true
				}
			case (j+1)%n == i:
				if foldsBack(c, d, b) {
					return i, j, true
				}
			case meet(a, b, c, d):
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

// turn is positive, negative or zero as a, b, c turn one way, the other way or
// not at all: the cross product of b-a and c-a.
func turn(a, b, c gridPoint) int64 {
	return (b.x-a.x)*(c.y-a.y) - (b.y-a.y)*(c.x-a.x)
}

// foldsBack says whether the edge from b to c runs back along that from a to b.
func foldsBack(a, b, c gridPoint) bool {
	return turn(a, b, c) == 0 && (a.x-b.x)*(c.x-b.x)+(a.y-b.y)*(c.y-b.y) > 0
}

// meet says whether the edges a to b and c to d have a point in common.
func meet(a, b, c, d gridPoint) bool {
	abc, abd, cda, cdb := sign(turn(a, b, c)), sign(turn(a, b, d)), sign(turn(c, d, a)), sign(turn(c, d, b))
	return abc*abd < 0 && cda*cdb < 0 ||
		abc == 0 && within(a, b, c) || abd == 0 && within(a, b, d) ||
		cda == 0 && within(c, d, a) || cdb == 0 && within(c, d, b)
}

// within says whether p, which is in line with a and b, lies between them.
func within(a, b, p gridPoint) bool {
	return min(a.x, b.x) <= p.x && p.x <= max(a.x, b.x) && min(a.y, b.y) <= p.y && p.y <= max(a.y, b.y)
}

func sign(v int64) int {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}
