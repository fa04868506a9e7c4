package polygon

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Parse reads the one-line form "x,y; x,y; …", which is what can be typed
// where an editor takes only one line of text for a value. It does not
// validate the shape.
func Parse(text string) (Polygon, error) {
	var poly Polygon
	for i, corner := range strings.Split(strings.TrimRight(strings.TrimSpace(text), ";"), ";") {
		if i == MaxCorners {
			return nil, fmt.Errorf("%w: it has more than %d corners", ErrInvalid, MaxCorners)
		}
		x, y, _ := strings.Cut(corner, ",")
		p, err := ParsePoint(x, y)
		if err != nil {
			return nil, fmt.Errorf("corner %d: %w", i+1, err)
		}
		poly = append(poly, p)
	}
	return poly, nil
}

// ParsePoint reads the two numbers of a point.
func ParsePoint(x, y string) (Point, error) {
	var p Point
	for _, v := range []struct {
		text string
		into *float64
	}{{x, &p.X}, {y, &p.Y}} {
		f, err := strconv.ParseFloat(strings.TrimSpace(v.text), 64)
		if err != nil {
			return Point{}, fmt.Errorf("%w: %q is not a number: want x,y in fractions of the frame, like 0.25,0.5", ErrInvalid, shorten(v.text))
		}
		*v.into = f
	}
	return p, nil
}

// String returns the one-line form that Parse reads.
func (poly Polygon) String() string {
	corners := make([]string, len(poly))
	for i, p := range poly {
		corners[i] = p.String()
	}
	return strings.Join(corners, "; ")
}

// MarshalJSON writes [x,y].
func (p Point) MarshalJSON() ([]byte, error) { return json.Marshal([2]float64{p.X, p.Y}) }

// UnmarshalJSON reads [x,y].
func (p *Point) UnmarshalJSON(data []byte) error {
	var v []float64
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("%w: a corner must be [x,y]: %w", ErrInvalid, err)
	}
	return p.set(v)
}

// MarshalYAML writes [x,y].
func (p Point) MarshalYAML() (any, error) { return [2]float64{p.X, p.Y}, nil }

// UnmarshalYAML reads [x,y].
func (p *Point) UnmarshalYAML(unmarshal func(any) error) error {
	var v []float64
	if err := unmarshal(&v); err != nil {
		return fmt.Errorf("%w: a corner must be [x,y]: %w", ErrInvalid, err)
	}
	return p.set(v)
}

func (p *Point) set(v []float64) error {
	if len(v) != 2 {
		return fmt.Errorf("%w: a corner must be two numbers [x,y], not %d", ErrInvalid, len(v))
	}
	*p = Point{v[0], v[1]}
	return nil
}

// shorten keeps hostile input from filling a log line.
func shorten(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
