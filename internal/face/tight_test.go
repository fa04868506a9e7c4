package face_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/face"
)

// tight cuts a face out of a picture as facenet-pytorch does: along its box, to
// a square.
func tight(t *testing.T, f *event.Frame, found face.Face, size int) (*event.Frame, face.Face) {
	t.Helper()
	crop, err := face.CutBox(f, found, size, 0)
	require.NoError(t, err)
	in := found.Moved(-found.Box[0], -found.Box[1])
	x, y := float64(size)/found.Width(), float64(size)/found.Height()
	in.Box = [4]float64{0, 0, float64(size), float64(size)}
	for i, p := range in.Landmarks {
		in.Landmarks[i] = face.Point{X: p.X * x, Y: p.Y * y}
	}
	return crop, in
}

// What is aligned out of a tight crop is what is aligned out of the picture it
// was cut from.
func TestTightCropsAreMadeNarrowAgain(t *testing.T) {
	whole := coordinates(250, 250)
	for _, width := range []float64{90, 96, 102, 120} { // of a face 120 pixels high
		found := face.Face{Box: [4]float64{60, 40, 60 + width, 160}}
		for i, p := range face.Template() {
			found.Landmarks[i] = face.Point{X: p.X + 60 + (width-112)/2, Y: p.Y + 44}
		}
		want, err := face.Align(whole, found.Landmarks, 112)
		require.NoError(t, err)
		crop, in := tight(t, whole, found, 240)
		got, err := face.AlignTight(crop, in, 112)
		require.NoError(t, err)
		for y := 30; y < 90; y++ {
			for x := 30; x < 80; x++ {
				i := (y*112 + x) * 3
				require.InDelta(t, want.Pix[i], got.Pix[i], 2, "width %v, column %d", width, x)
				require.InDelta(t, want.Pix[i+1], got.Pix[i+1], 2, "width %v, row %d", width, y)
			}
		}
	}
}

func TestOtherPicturesAreAlignedAsTheyAre(t *testing.T) {
	for _, size := range [][2]int{{250, 250}, {240, 200}} {
		whole := coordinates(size[0], size[1])
		found := face.Face{Box: [4]float64{60, 40, 150, 140}, Landmarks: moved(face.Transform{A: 0.7, X: 60, Y: 40})}
		if size[0] != size[1] {
			found.Box = [4]float64{10, 10, 230, 190} // fills it, but it is not square
		}
		want, err := face.Align(whole, found.Landmarks, 112)
		require.NoError(t, err)
		got, err := face.AlignTight(whole, found, 112)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestSurroundingsLeadBack(t *testing.T) {
	for _, size := range [][2]int{{100, 100}, {120, 60}, {50, 200}, {2000, 1500}} {
		f := &event.Frame{Width: size[0], Height: size[1], Pix: make([]byte, size[0]*size[1]*3)}
		for i := range f.Pix {
			f.Pix[i] = 250
		}
		s, err := face.Surround(f, 300, 0.5)
		require.NoError(t, err)
		require.Equal(t, [2]int{300, 300}, [2]int{s.Frame.Width, s.Frame.Height})
		require.Equal(t, []byte{250, 250, 250}, s.Frame.Pix[(150*300+150)*3:][:3], "the frame is in the middle")
		require.Equal(t, []byte{0, 0, 0}, s.Frame.Pix[:3], "with black around")
		lit := 0
		for i := 0; i < len(s.Frame.Pix); i += 3 {
			if s.Frame.Pix[i] > 125 {
				lit++
			}
		}
		ratio := float64(min(size[0], size[1])) / float64(max(size[0], size[1]))
		if ratio == 1 {
			ratio = 0.85
		}
		require.InDelta(t, 150*150*ratio, lit, 160)
		whole := s.Back(face.Face{Box: [4]float64{150, 150, 151, 151}, Landmarks: [5]face.Point{{X: 150, Y: 150}}})
		require.InDelta(t, float64(size[0])/2, whole.Box[0], 1e-6)
		require.InDelta(t, float64(size[1])/2, whole.Box[1], 1e-6)
		require.Equal(t, face.Point{X: whole.Box[0], Y: whole.Box[1]}, whole.Landmarks[0])
		require.Greater(t, whole.Width(), 0.0)
	}
}

func TestTightRefusesNonsense(t *testing.T) {
	f := coordinates(100, 100)
	for _, part := range []float64{0, -1, 1.1, math.NaN()} {
		_, err := face.Surround(f, 300, part)
		require.ErrorIs(t, err, face.ErrSize)
	}
	_, err := face.Surround(f, 5000, 0.5)
	require.ErrorIs(t, err, face.ErrSize)
	_, err = face.Surround(&event.Frame{Width: 4, Height: 4}, 300, 0.5)
	require.ErrorIs(t, err, face.ErrFrame)
	filled := face.Face{Box: [4]float64{0, 0, 100, 100}}
	require.True(t, filled.Fills(f))
	_, err = face.AlignTight(f, filled, 112)
	require.ErrorIs(t, err, face.ErrLandmarks)
	filled.Landmarks[0].X = math.NaN()
	_, err = face.AlignTight(f, filled, 112)
	require.ErrorIs(t, err, face.ErrLandmarks)
	_, err = face.AlignTight(f, filled, 1)
	require.ErrorIs(t, err, face.ErrSize)
	require.False(t, face.Face{Box: [4]float64{10, 10, 50, 90}}.Fills(f))
}
