package region

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

// numbered is a frame in which each byte of a pixel tells its place.
func numbered(width, height int) *event.Frame {
	f := &event.Frame{
		Sequence: 7, Time: time.Unix(1700000000, 0), Offset: time.Second,
		Width: width, Height: height, Pix: make([]byte, width*height*3),
	}
	for y := range height {
		for x := range width {
			copy(f.Pix[(y*width+x)*3:], []byte{byte(x), byte(y), byte(x ^ y)})
		}
	}
	return f
}

func TestCropCopiesItsPartAndPadsOutsideTheFrame(t *testing.T) {
	f := numbered(20, 10)
	for _, r := range []Region{
		{X: 3, Y: 2, Width: 5, Height: 5},
		{X: -2, Y: -3, Width: 8, Height: 8},
		{X: 15, Y: 5, Width: 10, Height: 10},
		{X: -5, Y: -5, Width: 40, Height: 40},
		{X: 0, Y: 0, Width: 20, Height: 20},
		{X: 0, Y: 0, Width: 20, Height: 9},
		{X: 100, Y: 0, Width: 4, Height: 4},
		{X: 0, Y: -100, Width: 4, Height: 4},
	} {
		got := Crop(f, r)
		require.Equal(t, [2]int{r.Width, r.Height}, [2]int{got.Width, got.Height})
		require.Equal(t, []any{f.Sequence, f.Time, f.Offset}, []any{got.Sequence, got.Time, got.Offset})
		require.Len(t, got.Pix, r.Width*r.Height*3)
		for y := range r.Height {
			for x := range r.Width {
				want := []byte{114, 114, 114}
				if fx, fy := x+r.X, y+r.Y; fx >= 0 && fy >= 0 && fx < f.Width && fy < f.Height {
					want = []byte{byte(fx), byte(fy), byte(fx ^ fy)}
				}
				at := (y*r.Width + x) * 3
				if !bytes.Equal(want, got.Pix[at:at+3]) {
					t.Fatalf("%+v: pixel %d,%d is %v, want %v", r, x, y, got.Pix[at:at+3], want)
				}
			}
		}
	}
}

func TestCropOfTheWholeFrameIsTheFrame(t *testing.T) {
	f := numbered(20, 10)
	require.Same(t, f, Crop(f, Whole(20, 10)))
}

func TestCropOfNonsenseHasNoPixels(t *testing.T) {
	f := numbered(20, 10)
	for _, r := range []Region{
		{}, {Width: -1, Height: 5}, {Width: 5},
		{X: math.MaxInt, Width: 5, Height: 5}, {Y: math.MinInt, Width: 5, Height: 5},
		{Width: math.MaxInt, Height: math.MaxInt}, {Width: 1 << 15, Height: 1 << 15},
	} {
		got := Crop(f, r)
		require.Zero(t, got.Width, "%+v", r)
		require.Empty(t, got.Pix, "%+v", r)
	}
	for _, bad := range []*event.Frame{{Width: 20, Height: 10}, {Width: -4, Height: -4}, {Width: 1 << 40, Height: 1 << 40}} {
		require.Empty(t, Crop(bad, Region{Width: 4, Height: 4}).Pix)
	}
}

func TestBoxOfARegion(t *testing.T) {
	require.Equal(t, event.Box{X1: 1, Y1: 1}, Whole(1280, 720).Box(1280, 720))
	require.Equal(t, event.Box{X0: 0.25, Y0: 0.5, X1: 0.5, Y1: 1}, Region{X: 25, Y: 25, Width: 25, Height: 50}.Box(100, 50))
	require.Zero(t, Region{X: 25, Y: 25, Width: 25, Height: 50}.Box(0, 50))
	require.Zero(t, Region{X: 200, Y: 0, Width: 50, Height: 50}.Box(100, 50).Area())
}
