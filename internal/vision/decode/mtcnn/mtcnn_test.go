package mtcnn

import (
	"image"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScales(t *testing.T) {
	list := Scales(image.Pt(768, 576), 20)
	require.Len(t, list, 10)
	require.Equal(t, Scale{0.6, image.Pt(461, 346)}, list[0])
	require.Equal(t, image.Pt(226, 168), list[0].Cells())
	require.InDelta(t, 0.6*0.709, list[1].Factor, 1e-12)
	require.Equal(t, image.Pt(327, 246), list[1].Size)
	for _, s := range list {
		require.GreaterOrEqual(t, min(s.Size.X, s.Size.Y), Side)
		require.GreaterOrEqual(t, min(s.Cells().X, s.Cells().Y), 1)
	}
	require.Len(t, Scales(image.Pt(20, 20), 20), 1)
	require.Empty(t, Scales(image.Pt(19, 1000), 20))
	require.Empty(t, Scales(image.Pt(1, 1), 20))
}

func TestProposeReadsTheMap(t *testing.T) {
	s := Scale{Factor: 0.5, Size: image.Pt(26, 40)} // 8 cells in a row
	require.Equal(t, 8, s.Cells().X)
	cells := make([]float32, 2*8*CellLen)
	copy(cells[3*CellLen:], []float32{0.6, 0.1, 0.2, 0.3, 0.4})
	copy(cells[9*CellLen:], []float32{0.7})
	copy(cells[10*CellLen:], []float32{0.5999999})
	copy(cells[11*CellLen:], []float32{float32(math.NaN())})
	got := Propose(nil, cells, 5, s)
	require.Equal(t, []Box{
		{X1: 14, Y1: 22, X2: 36, Y2: 44, Score: 0.6, Shift: [4]float32{0.1, 0.2, 0.3, 0.4}}, // cell 3, 5
		{X1: 6, Y1: 26, X2: 28, Y2: 48, Score: 0.7},                                         // cell 1, 6
	}, got)
}

func TestCornersAreRoundedInSinglePrecision(t *testing.T) {
	// 21 over 0.3 is 70, but 0.3 in single precision is a little more.
	s := Scale{Factor: 0.3, Size: image.Pt(40, 40)}
	cells := make([]float32, 11*CellLen)
	cells[10*CellLen] = 1
	got := Propose(nil, cells, 0, s)
	require.Len(t, got, 1)
	x := float32(21) / float32(0.3)
	require.Equal(t, float32(math.Floor(float64(x))), got[0].X1)
}

func TestSuppressKeepsTheBestAndTheFirstOfEquals(t *testing.T) {
	a := Box{X1: 0, Y1: 0, X2: 10, Y2: 10, Score: 0.8}
	b := Box{X1: 1, Y1: 0, X2: 11, Y2: 10, Score: 0.9}  // IoU with a 9/11
	c := Box{X1: 20, Y1: 0, X2: 30, Y2: 10, Score: 0.9} // alone
	d := Box{X1: 1, Y1: 1, X2: 11, Y2: 11, Score: 0.9}
	require.Equal(t, []Box{b, c}, suppress([]Box{a, b, c, d}, 0.7))
	require.Equal(t, []Box{b, c, a}, suppress([]Box{a, b, c}, 0.82), "only above the threshold")
	require.Empty(t, suppress(nil, 0.5))
}

func TestSuppressInsidePrefersTheLaterOfEquals(t *testing.T) {
	big := Box{X1: 0, Y1: 0, X2: 99, Y2: 99, Score: 0.9}
	small := Box{X1: 10, Y1: 10, X2: 19, Y2: 19, Score: 0.8} // all of it lies in the big one
	twin := big
	twin.X1 = 1
	aside := Box{X1: 90, Y1: 0, X2: 189, Y2: 99, Score: 0.9}
	require.Equal(t, []Box{big}, suppressInside([]Box{small, big}, 0.7))
	require.Equal(t, []Box{aside, twin}, suppressInside([]Box{big, twin, aside}, 0.7))
	// Sides count from the first pixel to the last: 2 of 3 columns are shared.
	x := Box{X1: 0, Y1: 0, X2: 2, Y2: 9, Score: 0.9}
	y := Box{X1: 1, Y1: 0, X2: 3, Y2: 9, Score: 0.8}
	require.Len(t, suppressInside([]Box{x, y}, 0.66), 1)
	require.Len(t, suppressInside([]Box{x, y}, 0.67), 2)
}

func TestProposedJoinsTheScales(t *testing.T) {
	a := Box{X1: 10, Y1: 10, X2: 30, Y2: 30, Score: 0.9, Shift: [4]float32{0.1, 0, -0.1, 0.2}}
	near := Box{X1: 12, Y1: 10, X2: 32, Y2: 30, Score: 0.8} // IoU 0.82
	other := Box{X1: 18, Y1: 10, X2: 38, Y2: 30, Score: 0.7}
	got := Proposed([][]Box{{a, other}, {near}})
	require.Len(t, got, 2, "near goes between the scales, other stays in its own")
	// 12..28 by 10..34, made square around its center.
	require.InDeltaSlice(t, []float32{8, 10, 32, 34}, []float32{got[0].X1, got[0].Y1, got[0].X2, got[0].Y2}, 1e-5)
}

func TestCropCutsAndClips(t *testing.T) {
	frame := image.Pt(100, 80)
	require.Equal(t, image.Rect(9, 19, 40, 60), Box{X1: 10.9, Y1: 20.2, X2: 40.9, Y2: 60}.Crop(frame))
	require.Equal(t, image.Rect(0, 0, 100, 80), Box{X1: -5, Y1: 0.5, X2: 120, Y2: 99}.Crop(frame))
	require.True(t, Box{X1: 110, Y1: 1, X2: 130, Y2: 20}.Crop(frame).Empty())
	require.True(t, Box{X1: -30, Y1: 1, X2: -1, Y2: 20}.Crop(frame).Empty())
}

func TestRefinedAndFinished(t *testing.T) {
	boxes := []Box{{X1: 10, Y1: 10, X2: 29, Y2: 29}, {X1: 50, Y1: 10, X2: 69, Y2: 29}, {X1: 90, Y1: 10, X2: 109, Y2: 29}}
	nan := float32(math.NaN())
	refined := Refined(boxes, []float32{
		0.7, 0, 0, 0, 0, // not above the threshold
		0.8, 0.1, 0, 0.1, 0, // 20 pixels counted from the first to the last
		0.9, nan, 0, 0, 0,
	})
	require.Len(t, refined, 1)
	require.InDeltaSlice(t, []float32{52, 10, 71, 29}, []float32{refined[0].X1, refined[0].Y1, refined[0].X2, refined[0].Y2}, 1e-5)
	out := make([]float32, OutputLen)
	out[0], out[3] = 0.95, 0.5
	for i := range 5 {
		out[5+i], out[10+i] = float32(i)/10, 0.5
	}
	faces := Finished(refined, out)
	require.Len(t, faces, 1)
	require.InDeltaSlice(t, []float64{52, 10, 81, 29}, faces[0].Box[:], 1e-4)
	require.InDelta(t, 0.95, faces[0].Score, 1e-6)
	for i, p := range faces[0].Landmarks { // of the box before it is moved
		require.InDelta(t, 51+2*float64(i), p.X, 1e-4)
		require.InDelta(t, 19, p.Y, 1e-4)
	}
	require.Empty(t, Finished(nil, nil))
}
