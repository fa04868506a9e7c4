package polygon_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"porchlight/internal/polygon"
)

func TestValid(t *testing.T) {
	for name, shape := range map[string]poly{
		"square":          square(),
		"whole frame":     {{0, 0}, {1, 0}, {1, 1}, {0, 1}},
		"other way round": {{0, 1}, {1, 1}, {1, 0}, {0, 0}},
		"concave":         {{0, 0}, {1, 0}, {1, 1}, {0.5, 0.5}, {0, 1}},
		"corner in line":  {{0, 0}, {0.5, 0}, {1, 0}, {0, 1}},
		"most corners":    star(),
	} {
		require.NoError(t, shape.Validate(), name)
	}
}

func TestInvalid(t *testing.T) {
	for want, shape := range map[string]poly{
		"it has 0 corners: draw 3 to 64":                            nil,
		"it has 2 corners: draw 3 to 64":                            {{0, 0}, {1, 1}},
		"it has 65 corners":                                         append(star(), polygon.Point{0.5, 0.5}),
		"corner 2 is at 1.01,0: want fractions of the frame":        {{0, 0}, {1.01, 0}, {0, 1}},
		"corner 3 is at 0,-0.5":                                     {{0, 0}, {1, 0}, {0, -0.5}},
		"corner 1 is at NaN,0":                                      {{math.NaN(), 0}, {1, 0}, {0, 1}},
		"corner 3 is at 0,+Inf":                                     {{0, 0}, {1, 0}, {0, math.Inf(1)}},
		"corners 2 and 3 are both at 1,0: remove one":               {{0, 0}, {1, 0}, {1, 0}, {0, 1}},
		"the last corner is the first again, at 0,1: leave it out":  {{0, 1}, {1, 0}, {1, 1}, {0, 1}},
		"from corner 2 to 3 crosses or touches the one from 4 to 1": {{0, 0}, {1, 0}, {0, 1}, {1, 1}},
		"from corner 1 to 2 crosses or touches the one from 2 to 3": {{0, 0}, {1, 0}, {0.5, 0}, {0.5, 1}}, // folds back
		"from corner 1 to 2 crosses or touches the one from 4 to 1": {{0, 0}, {0.5, 0}, {0.5, 1}, {1, 0}},
		"from corner 1 to 2 crosses or touches the one from 3 to 4": {{0, 0}, {1, 0}, {1, 1}, {0.5, 0}, {0, 1}}, // a corner on an edge
		"which is next to nothing: want at least 1e-05":             {{0, 0}, {0.5, 0.00001}, {1, 0}},
	} {
		t.Run(want, func(t *testing.T) {
			err := shape.Validate()
			require.ErrorIs(t, err, polygon.ErrInvalid)
			require.ErrorContains(t, err, want)
		})
	}
}

// Swapping two neighbours of a convex polygon of four or more corners makes
// it cross itself; moving its start or turning it round leaves it valid.
func TestConvex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(4, polygon.MaxCorners).Draw(t, "corners")
		start := rapid.Float64Range(0, 2*math.Pi).Draw(t, "start")
		way := rapid.SampledFrom([]float64{-1, 1}).Draw(t, "way")
		var shape poly
		for i := range n {
			sin, cos := math.Sincos(start + way*2*math.Pi*float64(i)/float64(n))
			shape = append(shape, polygon.Point{X: 0.5 + 0.4*cos, Y: 0.5 + 0.4*sin})
		}
		if err := shape.Validate(); err != nil {
			t.Fatal(err)
		}
		i := rapid.IntRange(0, n-1).Draw(t, "swapped")
		j := (i + 1) % n
		shape[i], shape[j] = shape[j], shape[i]
		if shape.Validate() == nil {
			t.Fatalf("%v crosses itself and is called valid", shape)
		}
	})
}

func FuzzPolygon(f *testing.F) {
	f.Add([]byte("[[0,0],[1,0],[0,1]]"), 0.25, 0.25)
	f.Fuzz(func(t *testing.T, data []byte, x, y float64) {
		var shape poly
		if json.Unmarshal(data, &shape) != nil {
			return
		}
		inside := shape.Contains(polygon.Point{X: x, Y: y})
		mask := polygon.Mask([]poly{shape}, 5, 3)
		if shape.Validate() != nil {
			return
		}
		if inside && (x < 0 || x > 1 || y < 0 || y > 1) {
			t.Fatalf("%v contains %v,%v, outside the frame", shape, x, y)
		}
		for i, in := range mask {
			if in != shape.Contains(polygon.Point{X: (float64(i%5) + 0.5) / 5, Y: (float64(i/5) + 0.5) / 3}) {
				t.Fatalf("%v: mask and contains differ in cell %d", shape, i)
			}
		}
		back, err := polygon.Parse(shape.String())
		if err != nil || len(back) != len(shape) {
			t.Fatalf("%v does not come back from its text: %v", shape, err)
		}
	})
}
