package decode

import (
	"image"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

func params() Params {
	return Params{Labels: []string{"background", "person", "car"}, Score: 0.5, NMS: 0.45}
}

func TestDetectionOutput(t *testing.T) {
	found, err := DetectionOutput(Tensor{Shape: []int{1, 1, 5, 7}, Data: []float32{
		0, 2, 0.625, 0.25, 0.25, 0.5, 0.75,
		0, 1, 0.875, -0.5, 0.5, 1.5, 1.25, // leaves the frame
		0, 1, 0.5, 0, 0, 1, 1, // not above the threshold
		0, 0, 0, 0, 0, 0, 0, // padding
		0, 1, 0.75, 1.5, 0, 2, 1, // outside
	}}, params())
	require.NoError(t, err)
	require.Equal(t, []event.Detection{
		{Label: "person", Score: 0.875, Box: event.Box{X0: 0, Y0: 0.5, X1: 1, Y1: 1}},
		{Label: "car", Score: 0.625, Box: event.Box{X0: 0.25, Y0: 0.25, X1: 0.5, Y1: 0.75}},
	}, found)

	found, err = DetectionOutput(Tensor{Shape: []int{1, 1, 0, 7}}, params())
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestDetectionOutputWithThresholdZeroSkipsPadding(t *testing.T) {
	p := params()
	p.Score = 0
	found, err := DetectionOutput(Tensor{Shape: []int{1, 1, 1, 7}, Data: make([]float32, 7)}, p)
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestDetectionOutputSkipsWhatIsNotANumber(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	found, err := DetectionOutput(Tensor{Shape: []int{1, 1, 4, 7}, Data: []float32{
		0, 1, nan, 0, 0, 1, 1,
		0, 1, 0.9, nan, 0, 1, 1,
		0, 1, 0.9, 0, 0, inf, 1,
		0, 1, 0.9, 0, 0, 1, 1,
	}}, params())
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func TestShapesThatDoNotFitAreRefused(t *testing.T) {
	p := params()
	for _, shape := range [][]int{nil, {7}, {1, 1, 1, 6}, {2, 1, 1, 7}, {1, 1, 2, 7}, {1, 1, -1, 7}, {1, 1, 0, 7}} {
		_, err := DetectionOutput(Tensor{Shape: shape, Data: make([]float32, 7)}, p)
		require.ErrorIs(t, err, ErrShape, "%v", shape)
	}
	_, err := DetectionOutput(Tensor{Shape: []int{1, 7}, Data: []float32{0, 3, 0.9, 0, 0, 1, 1}}, p)
	require.ErrorIs(t, err, ErrShape, "a class without a label")
	_, err = Darknet([]Tensor{{Shape: []int{1, 7}, Data: make([]float32, 7)}}, p)
	require.ErrorIs(t, err, ErrShape)
	_, err = YOLOX(Tensor{Shape: []int{1, 1, 8}, Data: make([]float32, 8)}, image.Pt(64, 64), image.Pt(32, 32), p)
	require.ErrorIs(t, err, ErrShape, "one row instead of one for each cell")
}

func TestDarknet(t *testing.T) {
	found, err := Darknet([]Tensor{
		{Shape: []int{2, 8}, Data: []float32{
			0.5, 0.5, 0.5, 0.25, 0.9, 0, 0.75, 0.625,
			0.5, 0.5, 0.5, 0.25, 0.9, 0, 0, 0.625, // same place, other class: stays
		}},
		{Shape: []int{2, 8}, Data: []float32{
			0.5, 0.5, 0.5, 0.5, 0.9, 0, 0.5625, 0, // half of it is the first box: goes
			0.25, 0.75, 0.5, 0.5, 0.9, 0.1, 0.2, 0.3, // too weak
		}},
	}, params())
	require.NoError(t, err)
	box := event.Box{X0: 0.25, Y0: 0.375, X1: 0.75, Y1: 0.625}
	require.Equal(t, []event.Detection{
		{Label: "person", Score: 0.75, Box: box},
		{Label: "car", Score: 0.625, Box: box},
	}, found)
}

func TestYOLOX(t *testing.T) {
	// A 64x32 frame into 32x32: half the size, below it is padding.
	frame, input := image.Pt(64, 32), image.Pt(32, 32)
	p := params()
	const rows = 16 + 4 + 1
	data := make([]float32, rows*8)
	row := func(i int, v ...float32) { copy(data[i*8:], v) }
	ln2 := float32(math.Log(2))
	row(6, 0, 0, ln2, 0, 0.9, 0, 0.9, 0)    // stride 8, cell (2,1): center (16,8), 16x8
	row(17, 0, 0, 0, 0, 0.9, 0, 0.55, 0.5)  // stride 16, cell (1,0): both classes under the threshold once multiplied
	row(20, 0.5, 0.25, 0, -ln2, 1, 0, 0, 1) // stride 32: center (16,8), 32x16
	found, err := YOLOX(Tensor{Shape: []int{1, rows, 8}, Data: data}, frame, input, p)
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.Equal(t, "car", found[0].Label)
	require.InDelta(t, 1, found[0].Score, 1e-6)
	requireBox(t, event.Box{X0: 0, Y0: 0, X1: 1, Y1: 1}, found[0].Box)
	require.Equal(t, "person", found[1].Label)
	require.InDelta(t, 0.81, found[1].Score, 1e-6)
	requireBox(t, event.Box{X0: 0.25, Y0: 0.25, X1: 0.75, Y1: 0.75}, found[1].Box)
}

func requireBox(t *testing.T, want, got event.Box) {
	t.Helper()
	require.InDeltaSlice(t, []float64{want.X0, want.Y0, want.X1, want.Y1}, []float64{got.X0, got.Y0, got.X1, got.Y1}, 1e-6)
}

func TestLetterbox(t *testing.T) {
	for _, c := range []struct {
		frame, inner image.Point
		ratio        float64
	}{
		{image.Pt(416, 416), image.Pt(416, 416), 1},
		{image.Pt(832, 416), image.Pt(416, 208), 0.5},
		{image.Pt(104, 208), image.Pt(208, 416), 2},
		{image.Pt(768, 576), image.Pt(416, 312), 416. / 768},
		{image.Pt(41600, 1), image.Pt(416, 1), 0.01}, // never nothing
	} {
		inner, ratio := Letterbox(c.frame, image.Pt(416, 416))
		require.Equal(t, c.inner, inner)
		require.InDelta(t, c.ratio, ratio, 1e-12)
	}
}

func TestCandidatesAreBounded(t *testing.T) {
	const n = 3 * maxCandidates
	data := make([]float32, n*7)
	for i := range n {
		copy(data[i*7:], []float32{0, 1, 0.6, 0, 0, 1, 1})
	}
	found, err := DetectionOutput(Tensor{Shape: []int{1, 1, n, 7}, Data: data}, params())
	require.NoError(t, err)
	require.Len(t, found, maxCandidates)
}
