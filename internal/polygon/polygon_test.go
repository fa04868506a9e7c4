package polygon_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"porchlight/internal/polygon"
)

type poly = polygon.Polygon

func square() poly { return poly{{0.25, 0.25}, {0.75, 0.25}, {0.75, 0.75}, {0.25, 0.75}} }

func TestContains(t *testing.T) {
	whole := poly{{0, 0}, {1, 0}, {1, 1}, {0, 1}}
	notch := poly{{0, 0}, {1, 0}, {1, 1}, {0.5, 0.5}, {0, 1}} // open below
	for name, c := range map[string]struct {
		shape poly
		at    polygon.Point
		want  bool
	}{
		"middle":                   {square(), polygon.Point{0.5, 0.5}, true},
		"outside":                  {square(), polygon.Point{0.8, 0.5}, false},
		"left of it":               {square(), polygon.Point{0.1, 0.5}, false},
		"on its left edge":         {square(), polygon.Point{0.25, 0.5}, true},
		"on its right edge":        {square(), polygon.Point{0.75, 0.5}, true},
		"on its upper edge":        {square(), polygon.Point{0.5, 0.25}, true},
		"on its lower edge":        {square(), polygon.Point{0.5, 0.75}, true},
		"in line with its edge":    {square(), polygon.Point{0.1, 0.25}, false},
		"on its corner":            {square(), polygon.Point{0.75, 0.75}, true},
		"lower border":             {whole, polygon.Point{0.3, 1}, true},
		"in the notch":             {notch, polygon.Point{0.5, 0.6}, false},
		"at the notch's corner":    {notch, polygon.Point{0.5, 0.5}, true},
		"left of a corner, inside": {notch, polygon.Point{0.4, 0.5}, true},
		"not a number":             {whole, polygon.Point{math.NaN(), 0.5}, false},
		"height not a number":      {whole, polygon.Point{0.5, math.NaN()}, false},
		"infinite":                 {whole, polygon.Point{math.Inf(-1), 0.5}, false},
		"no polygon":               {nil, polygon.Point{0.5, 0.5}, false},
		"a line":                   {poly{{0, 0}, {1, 1}}, polygon.Point{0.5, 0.5}, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, c.shape.Contains(c.at))
		})
	}
}

func TestArea(t *testing.T) {
	require.InDelta(t, 0.25, square().Area(), 1e-12)
	require.InDelta(t, 0.5, poly{{0, 1}, {1, 1}, {0, 0}}.Area(), 1e-12)
	require.Zero(t, poly{}.Area())
}

func TestWire(t *testing.T) {
	shape := poly{{0, 0.125}, {0.5, 0.25}, {1, 1}}
	data, err := json.Marshal(shape)
	require.NoError(t, err)
	require.Equal(t, "[[0,0.125],[0.5,0.25],[1,1]]", string(data))
	var back poly
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, shape, back)

	data, err = yaml.Marshal(map[string]poly{"zone": shape})
	require.NoError(t, err)
	var tree map[string]poly
	require.NoError(t, yaml.Unmarshal(data, &tree))
	require.Equal(t, shape, tree["zone"])

	require.Equal(t, "0,0.125; 0.5,0.25; 1,1", shape.String())
	back, err = polygon.Parse(shape.String())
	require.NoError(t, err)
	require.Equal(t, shape, back)
	back, err = polygon.Parse(" 0 , .125;.5,0.25 ; 1,1;\n")
	require.NoError(t, err)
	require.Equal(t, shape, back)
}

func TestWireRefuses(t *testing.T) {
	for _, text := range []string{"[[0,0,0]]", "[[0]]", "[[]]", `[["a","b"]]`, "[0.1,0.2]"} {
		var p poly
		require.ErrorIs(t, json.Unmarshal([]byte(text), &p), polygon.ErrInvalid, text)
		require.Error(t, yaml.Unmarshal([]byte(text), &p), text)
	}
	for _, text := range []string{"", "0.1", "0.1,0.2;;0.3,0.4", "a,b", "0.1,0.2,0.3"} {
		_, err := polygon.Parse(text)
		require.ErrorIs(t, err, polygon.ErrInvalid, text)
	}
}

// shapes draws any corners on a grid of 64ths, on which the arithmetic of
// both sides of a comparison is exact: most cross themselves.
func shapes() *rapid.Generator[poly] {
	return rapid.Custom(func(t *rapid.T) poly {
		return rapid.SliceOfN(points(), 3, 12).Draw(t, "corners")
	})
}

func points() *rapid.Generator[polygon.Point] {
	return rapid.Custom(func(t *rapid.T) polygon.Point {
		return polygon.Point{
			X: float64(rapid.IntRange(0, 64).Draw(t, "x")) / 64,
			Y: float64(rapid.IntRange(0, 64).Draw(t, "y")) / 64,
		}
	})
}

// A valid polygon winds once round every point inside and not at all round
// the others, whichever way the winding is found: here by adding up the
// angles under which its edges are seen.
func TestContainsAgreesWithWinding(t *testing.T) {
	tried := 0
	rapid.Check(t, func(t *rapid.T) {
		shape, at := shapes().Filter(func(p poly) bool { return p.Validate() == nil }).Draw(t, "shape"), points().Draw(t, "at")
		tried++
		want, border := winding(shape, at) != 0, onBorder(shape, at)
		if got := shape.Contains(at); got != (want || border) {
			t.Fatalf("%v contains %v: %v; winding says %v, on the border %v", shape, at, got, want, border)
		}
	})
	require.NotZero(t, tried)
}

func winding(shape poly, p polygon.Point) int {
	if onBorder(shape, p) {
		return 1
	}
	sum := 0.0
	for i, a := range shape {
		b := shape[(i+1)%len(shape)]
		angle := math.Atan2(b.Y-p.Y, b.X-p.X) - math.Atan2(a.Y-p.Y, a.X-p.X)
		switch {
		case angle > math.Pi:
			angle -= 2 * math.Pi
		case angle < -math.Pi:
			angle += 2 * math.Pi
		}
		sum += angle
	}
	return int(math.Round(sum / (2 * math.Pi)))
}

// onBorder: a point on an edge makes no detour between its ends.
func onBorder(shape poly, p polygon.Point) bool {
	for i, a := range shape {
		b := shape[(i+1)%len(shape)]
		between := math.Min(a.X, b.X) <= p.X && p.X <= math.Max(a.X, b.X) && math.Min(a.Y, b.Y) <= p.Y && p.Y <= math.Max(a.Y, b.Y)
		if between && (b.X-a.X)*(p.Y-a.Y) == (b.Y-a.Y)*(p.X-a.X) {
			return true
		}
	}
	return false
}

// Neither where a polygon starts nor which way it goes round matters.
func TestContainsIgnoresOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shape, at := shapes().Draw(t, "shape"), points().Draw(t, "at")
		first := rapid.IntRange(0, len(shape)-1).Draw(t, "first")
		var other poly
		for i := range shape {
			other = append(other, shape[(first+len(shape)-i)%len(shape)])
		}
		if shape.Contains(at) != other.Contains(at) {
			t.Fatalf("%v and %v differ at %v", shape, other, at)
		}
	})
}
