package polygon_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"porchlight/internal/polygon"
)

func TestMask(t *testing.T) {
	picture := func(mask []bool, width int) (rows []string) {
		for at := 0; at < len(mask); at += width {
			row := ""
			for _, in := range mask[at : at+width] {
				row += map[bool]string{true: "#", false: "."}[in]
			}
			rows = append(rows, row)
		}
		return rows
	}
	triangle := poly{{0, 0}, {1, 0}, {0, 1}}
	require.Equal(t, []string{
		"####",
		"###.",
		"##..",
		"#...",
	}, picture(polygon.Mask([]poly{triangle}, 4, 4), 4))
	require.Equal(t, []string{
		"########", // its right edge runs through the middle of the last cell
		"#######.",
		"....#...",
		"........",
	}, picture(polygon.Mask([]poly{
		{{0, 0}, {1, 0}, {0.75, 0.5}, {0, 0.5}}, {{0.5, 0.5}, {0.625, 0.5}, {0.625, 0.75}, {0.5, 0.75}},
	}, 8, 4), 8))
	require.Empty(t, polygon.Mask([]poly{triangle}, 0, 4))
	require.Empty(t, polygon.Mask([]poly{triangle}, -3, 4))
	require.Equal(t, make([]bool, 6), polygon.Mask(nil, 3, 2))
	require.Equal(t, make([]bool, 6), polygon.Mask([]poly{{{0, 0}, {1, 1}}}, 3, 2), "a line covers nothing")
}

// The raster is what Contains says of the middle of every cell, also for
// polygons that cross themselves, leave the frame or run through middles.
func TestMaskAgreesWithContains(t *testing.T) {
	free := rapid.Custom(func(t *rapid.T) polygon.Point {
		return polygon.Point{X: rapid.Float64Range(-0.5, 1.5).Draw(t, "x"), Y: rapid.Float64Range(-0.5, 1.5).Draw(t, "y")}
	})
	rapid.Check(t, func(t *rapid.T) {
		width, height := rapid.IntRange(1, 40).Draw(t, "width"), rapid.SampledFrom([]int{1, 2, 7, 16, 32}).Draw(t, "height")
		corners := rapid.OneOf(rapid.SliceOfN(free, 0, 8), rapid.SliceOfN(points(), 0, 8))
		shapes := []poly{corners.Draw(t, "first"), corners.Draw(t, "second")}
		mask := polygon.Mask(shapes, width, height)
		for i, got := range mask {
			middle := polygon.Point{
				X: (float64(i%width) + 0.5) / float64(width),
				Y: (float64(i/width) + 0.5) / float64(height),
			}
			if want := shapes[0].Contains(middle) || shapes[1].Contains(middle); got != want {
				t.Fatalf("cell %d,%d of %dx%d: mask %v, contains %v", i%width, i/width, width, height, got, want)
			}
		}
	})
}

func TestSpansStopWhenAsked(t *testing.T) {
	seen := 0
	for range square().Spans(100, 100) {
		seen++
		break
	}
	require.Equal(t, 1, seen)
}

// star is a valid polygon of the most corners.
func star() poly {
	var shape poly
	for i := range polygon.MaxCorners {
		radius := 0.45 - 0.2*float64(i%2)
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / polygon.MaxCorners)
		shape = append(shape, polygon.Point{X: 0.5 + radius*cos, Y: 0.5 + radius*sin})
	}
	return shape
}

func BenchmarkMask(b *testing.B) {
	shapes := []poly{star(), square()}
	for b.Loop() {
		if len(polygon.Mask(shapes, 1280, 720)) == 0 {
			b.Fatal("no mask")
		}
	}
}

func BenchmarkContains(b *testing.B) {
	shape := star()
	for b.Loop() {
		if !shape.Contains(polygon.Point{X: 0.5, Y: 0.5}) {
			b.Fatal("not inside")
		}
	}
}
