package face_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/face"
)

// ramp is a frame whose blue rises to the right and whose green rises
// downwards, a level a pixel.
func ramp(width, height int) *event.Frame {
	f := &event.Frame{Width: width, Height: height, Pix: make([]byte, width*height*3), Sequence: 7}
	for y := range height {
		for x := range width {
			copy(f.Pix[(y*width+x)*3:], []byte{byte(x), byte(y), 200})
		}
	}
	return f
}

func moved(t face.Transform) (points [5]face.Point) {
	for i, p := range face.Template() {
		points[i] = t.Apply(p)
	}
	return points
}

func TestSimilarityFindsTheTransform(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		angle, scale := random.Float64()*2*math.Pi, 0.05+random.Float64()*20
		want := face.Transform{
			A: scale * math.Cos(angle), B: scale * math.Sin(angle),
			X: random.Float64()*4000 - 2000, Y: random.Float64()*4000 - 2000,
		}
		got, err := face.Similarity(face.Template(), moved(want))
		require.NoError(t, err)
		require.InDelta(t, want.A, got.A, 1e-9)
		require.InDelta(t, want.B, got.B, 1e-9)
		require.InDelta(t, want.X, got.X, 1e-6)
		require.InDelta(t, want.Y, got.Y, 1e-6)
		require.InDelta(t, scale, got.Scale(), 1e-9)
		p := face.Point{X: 12, Y: -5}
		back := got.Invert().Apply(got.Apply(p))
		require.InDelta(t, p.X, back.X, 1e-7)
		require.InDelta(t, p.Y, back.Y, 1e-7)
	}
}

// No other similarity near the one found comes closer to points that do not
// quite fit, and a mirrored face is not mirrored back.
func TestSimilarityIsTheLeastSquares(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	from := face.Template()
	for i := range from {
		from[i].X += random.Float64()*10 - 5
		from[i].Y += random.Float64()*10 - 5
	}
	to := face.Template()
	residual := func(t face.Transform) (sum float64) {
		for i := range from {
			p := t.Apply(from[i])
			sum += (p.X-to[i].X)*(p.X-to[i].X) + (p.Y-to[i].Y)*(p.Y-to[i].Y)
		}
		return sum
	}
	got, err := face.Similarity(from, to)
	require.NoError(t, err)
	least := residual(got)
	for range 500 {
		near := got
		near.A += (random.Float64() - 0.5) * 0.02
		near.B += (random.Float64() - 0.5) * 0.02
		near.X += (random.Float64() - 0.5) * 0.5
		near.Y += (random.Float64() - 0.5) * 0.5
		require.GreaterOrEqual(t, residual(near), least)
	}
	mirrored := face.Template()
	for i := range mirrored {
		mirrored[i].X = 112 - mirrored[i].X
	}
	got, err = face.Similarity(mirrored, face.Template())
	require.NoError(t, err)
	require.Greater(t, got.A*got.A+got.B*got.B, 0.0)
	require.Less(t, got.Scale(), 0.9, "a turned, not a mirrored face comes closest, and not close")
}

func TestAlignPutsTheLandmarksWhereTheyBelong(t *testing.T) {
	f := ramp(250, 250)
	to := face.Transform{A: 1.2, B: 0.4, X: 60, Y: 10} // from the template to the frame
	for _, size := range []int{112, 224, 56} {
		crop, err := face.Align(f, moved(to), size)
		require.NoError(t, err)
		require.Equal(t, [2]int{size, size}, [2]int{crop.Width, crop.Height})
		require.Equal(t, f.Sequence, crop.Sequence)
		for _, at := range []face.Point{{X: 10, Y: 20}, {X: 56, Y: 56}, {X: 40, Y: 100}} {
			from := to.Apply(at)
			x, y := int(at.X)*size/112, int(at.Y)*size/112
			pixel := crop.Pix[(y*size+x)*3:]
			require.InDelta(t, from.X, float64(pixel[0]), 0.51, "%d: %v", size, at)
			require.InDelta(t, from.Y, float64(pixel[1]), 0.51, "%d: %v", size, at)
			require.Equal(t, byte(200), pixel[2])
		}
	}
}

func TestAlignOfTheTemplateCopies(t *testing.T) {
	f := ramp(112, 112)
	crop, err := face.Align(f, face.Template(), 112)
	require.NoError(t, err)
	require.Equal(t, f.Pix, crop.Pix)
}

func TestAlignIsBlackOutsideTheFrame(t *testing.T) {
	f := ramp(112, 112)
	crop, err := face.Align(f, moved(face.Transform{A: 1, X: 56, Y: -56}), 112)
	require.NoError(t, err)
	at := func(x, y int) []byte { return crop.Pix[(y*112+x)*3 : (y*112+x)*3+3] }
	require.Equal(t, []byte{0, 0, 0}, at(10, 10), "above")
	require.Equal(t, []byte{0, 0, 0}, at(90, 90), "right")
	require.Equal(t, []byte{66, 34, 200}, at(10, 90))
	far, err := face.Align(f, moved(face.Transform{A: 1, X: 1e5, Y: 1e5}), 112)
	require.NoError(t, err)
	require.Equal(t, make([]byte, 112*112*3), far.Pix)
}

func TestAlignRefuses(t *testing.T) {
	f := ramp(20, 20)
	for _, size := range []int{-1, 0, 7, 1025} {
		_, err := face.Align(f, face.Template(), size)
		require.ErrorIs(t, err, face.ErrSize)
	}
	nan, inf := face.Template(), face.Template()
	nan[2].X, inf[3].Y = math.NaN(), math.Inf(1)
	huge := moved(face.Transform{A: 1e300})
	for _, landmarks := range [][5]face.Point{{}, nan, inf, huge} {
		_, err := face.Align(f, landmarks, 112)
		require.ErrorIs(t, err, face.ErrLandmarks)
	}
	for _, bad := range []*event.Frame{{}, {Width: 2, Height: 2, Pix: make([]byte, 11)}, {Width: -1, Height: -1, Pix: make([]byte, 3)}, {Width: 1 << 62, Height: 4}} {
		_, err := face.Align(bad, face.Template(), 112)
		require.ErrorIs(t, err, face.ErrFrame)
	}
}

func FuzzAlign(f *testing.F) {
	f.Add(38.0, 51.0, 73.0, 51.0, 56.0, 92.0, uint8(14))
	f.Add(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, uint8(8))
	f.Add(-1e9, 1e9, 3e8, 1e-9, 20.0, 20.0, uint8(32))
	f.Add(math.NaN(), math.Inf(-1), 1e308, -1e308, 1.0, 2.0, uint8(200))
	frame := ramp(31, 17)
	f.Fuzz(func(t *testing.T, ax, ay, bx, by, cx, cy float64, size uint8) {
		landmarks := [5]face.Point{{X: ax, Y: ay}, {X: bx, Y: by}, {X: cx, Y: cy}, {X: ax, Y: cy}, {X: bx, Y: cy}}
		crop, err := face.Align(frame, landmarks, int(size))
		if err != nil {
			return
		}
		if len(crop.Pix) != int(size)*int(size)*3 {
			t.Fatalf("%d bytes for %d pixels", len(crop.Pix), size)
		}
		q := face.Assess(face.Face{Landmarks: landmarks}, crop)
		if !(q.Overall >= 0 && q.Overall <= 1) {
			t.Fatalf("quality %+v", q)
		}
	})
}

func BenchmarkAlign(b *testing.B) {
	f := ramp(250, 250)
	landmarks := moved(face.Transform{A: 1.2, B: 0.4, X: 60, Y: 10})
	b.Run("align", func(b *testing.B) {
		for b.Loop() {
			if _, err := face.Align(f, landmarks, face.CropSide); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("assess", func(b *testing.B) {
		crop, err := face.Align(f, landmarks, face.CropSide)
		require.NoError(b, err)
		for b.Loop() {
			face.Assess(face.Face{Landmarks: landmarks}, crop)
		}
	})
}

// A large face is averaged, not sampled: stripes finer than the crop's pixels
// become gray.
func TestAlignAveragesWhatItShrinks(t *testing.T) {
	f := &event.Frame{Width: 600, Height: 600, Pix: make([]byte, 600*600*3)}
	for i := range f.Pix {
		if i/3%2 == 0 {
			f.Pix[i] = 200
		}
	}
	crop, err := face.Align(f, moved(face.Transform{A: 4, X: 60.5, Y: 60}), 112)
	require.NoError(t, err)
	for _, v := range crop.Pix {
		require.InDelta(t, 100, int(v), 3)
	}
}
