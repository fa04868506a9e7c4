package face_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/face"
)

// coordinates is a frame in which blue is the column and green the row.
func coordinates(width, height int) *event.Frame {
	f := &event.Frame{Sequence: 7, Width: width, Height: height, Pix: make([]byte, width*height*3)}
	for i := range width * height {
		f.Pix[i*3], f.Pix[i*3+1] = byte(i%width), byte(i/width)
	}
	return f
}

func TestCutBoxStretchesTheBox(t *testing.T) {
	for _, c := range []struct {
		box            [4]float64
		size           int
		margin         float64
		x0, y0, x1, y1 float64 // of the frame, that the crop shows
	}{
		{[4]float64{40, 60, 60, 80}, 20, 0, 40, 60, 60, 80},
		{[4]float64{40.9, 60.9, 60.9, 80.9}, 20, 0, 40, 60, 60, 80},
		{[4]float64{40, 60, 80, 140}, 40, 0, 40, 60, 80, 140},
		{[4]float64{40, 60, 80, 100}, 50, 10, 35, 55, 85, 105},
		{[4]float64{-30, -5, 30, 40}, 30, 0, 0, 0, 30, 40},
		{[4]float64{150, 120, 260, 200}, 20, 0, 150, 120, 200, 160},
	} {
		crop, err := face.CutBox(coordinates(200, 160), face.Face{Box: c.box}, c.size, c.margin)
		require.NoError(t, err)
		require.Equal(t, [3]int{7, c.size, c.size}, [3]int{int(crop.Sequence), crop.Width, crop.Height})
		for _, at := range [][2]int{{1, 1}, {c.size / 2, c.size / 3}, {c.size - 2, c.size - 2}} {
			p := crop.Pix[(at[1]*c.size+at[0])*3:]
			x := c.x0 + (float64(at[0])+0.5)*(c.x1-c.x0)/float64(c.size) - 0.5
			y := c.y0 + (float64(at[1])+0.5)*(c.y1-c.y0)/float64(c.size) - 0.5
			require.InDelta(t, x, float64(p[0]), 1.01, "%+v at %v", c, at)
			require.InDelta(t, y, float64(p[1]), 1.01, "%+v at %v", c, at)
		}
	}
}

func TestCutBoxRefusesWhatIsNoBox(t *testing.T) {
	f := coordinates(50, 50)
	for _, box := range [][4]float64{
		{}, {10, 10, 10, 20}, {30, 10, 20, 20}, {60, 60, 90, 90}, {-20, -20, -1, -1}, {math.NaN(), 0, 20, 20}, {0, 0, 20, math.NaN()},
		{math.Inf(-1), 0, math.Inf(1), 20},
	} {
		_, err := face.CutBox(f, face.Face{Box: box}, 20, 0)
		require.ErrorIs(t, err, face.ErrLandmarks, "%v", box)
	}
	whole := face.Face{Box: [4]float64{0, 0, 50, 50}}
	for _, margin := range []float64{-1, 20, math.NaN()} {
		_, err := face.CutBox(f, whole, 20, margin)
		require.ErrorIs(t, err, face.ErrSize)
	}
	_, err := face.CutBox(f, whole, 2000, 0)
	require.ErrorIs(t, err, face.ErrSize)
	_, err = face.CutBox(&event.Frame{Width: 3, Height: 3}, whole, 20, 0)
	require.ErrorIs(t, err, face.ErrFrame)
}
