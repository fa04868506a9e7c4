package event

import (
	"encoding/json"
	"fmt"
	"math"
)

// Box is a rectangle in fractions of the frame: 0,0 is the top left corner,
// 1,1 the bottom right one. On the wire it is the array [x0,y0,x1,y1].
type Box struct {
	X0, Y0, X1, Y1 float64
}

// Width of the box as a fraction of the frame width, never negative.
func (b Box) Width() float64 { return math.Max(0, b.X1-b.X0) }

// Height of the box as a fraction of the frame height, never negative.
func (b Box) Height() float64 { return math.Max(0, b.Y1-b.Y0) }

// Area of the box as a fraction of the frame's area.
func (b Box) Area() float64 { return b.Width() * b.Height() }

// Clip returns the part of the box that lies inside the frame.
func (b Box) Clip() Box {
	unit := func(v float64) float64 { return math.Min(1, math.Max(0, v)) }
	return Box{unit(b.X0), unit(b.Y0), unit(b.X1), unit(b.Y1)}
}

// Intersect returns the area that both boxes cover.
func (b Box) Intersect(o Box) float64 {
	return Box{
		math.Max(b.X0, o.X0), math.Max(b.Y0, o.Y0),
		math.Min(b.X1, o.X1), math.Min(b.Y1, o.Y1),
	}.Area()
}

// IoU is the intersection of the two boxes over their union, 0..1. It is 0
// when either box is empty.
func (b Box) IoU(o Box) float64 {
	inter := b.Intersect(o)
	if inter <= 0 {
		return 0
	}
	return inter / (b.Area() + o.Area() - inter)
}

// MarshalJSON writes [x0,y0,x1,y1] with four decimals, a tenth of a pixel on
// a 1080p frame, which keeps the payload small.
func (b Box) MarshalJSON() ([]byte, error) {
	for _, v := range []float64{b.X0, b.Y0, b.X1, b.Y1} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("box %v has a coordinate that is not a number", [4]float64{b.X0, b.Y0, b.X1, b.Y1})
		}
	}
	return json.Marshal([4]float64{wireRound(b.X0), wireRound(b.Y0), wireRound(b.X1), wireRound(b.Y1)})
}

func wireRound(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// UnmarshalJSON reads [x0,y0,x1,y1].
func (b *Box) UnmarshalJSON(data []byte) error {
	var v []float64
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("box: %w", err)
	}
	if len(v) != 4 {
		return fmt.Errorf("box: want 4 numbers [x0,y0,x1,y1], got %d", len(v))
	}
	*b = Box{v[0], v[1], v[2], v[3]}
	return nil
}
