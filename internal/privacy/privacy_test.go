package privacy_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"porchlight/internal/event"
	"porchlight/internal/polygon"
	"porchlight/internal/privacy"
)

func white(width, height int) *event.Frame {
	return &event.Frame{
		Sequence: 7, Time: time.Unix(1, 0), Offset: time.Second, Width: width, Height: height,
		Pix: bytes.Repeat([]byte{255}, width*height*3),
	}
}

func shape(t testing.TB, text string) polygon.Polygon {
	t.Helper()
	p, err := polygon.Parse(text)
	require.NoError(t, err)
	return p
}

func left(t testing.TB) polygon.Polygon { return shape(t, "0,0; 0.5,0; 0.5,1; 0,1") }

func TestNothingToCover(t *testing.T) {
	f := white(4, 2)
	require.Same(t, f, privacy.New(nil).Apply(f))
	require.Same(t, f, (*privacy.Mask)(nil).Apply(f))
}

func TestApply(t *testing.T) {
	f := white(4, 2)
	got := privacy.New([]polygon.Polygon{left(t)}).Apply(f)
	g, w := byte(privacy.Gray), byte(255)
	row := []byte{g, g, g, g, g, g, w, w, w, w, w, w}
	require.Equal(t, slices.Concat(row, row), got.Pix)
	require.Equal(t, white(4, 2), f, "frames are never changed")
	got.Pix = f.Pix
	require.Equal(t, f, got, "all but the pixels is kept")
}

func TestWholeFrame(t *testing.T) {
	got := privacy.New([]polygon.Polygon{shape(t, "0,0; 1,0; 1,1; 0,1")}).Apply(white(5, 3))
	require.Equal(t, bytes.Repeat([]byte{privacy.Gray}, 45), got.Pix)
}

func TestFollowsSize(t *testing.T) {
	m := privacy.New([]polygon.Polygon{left(t)})
	for _, size := range [][2]int{{4, 2}, {2, 4}, {4, 2}, {64, 48}} {
		f := white(size[0], size[1])
		require.Equal(t, privacy.New([]polygon.Polygon{left(t)}).Apply(f), m.Apply(f), "%v", size)
	}
}

func TestMalformedFrameIsCoveredWhole(t *testing.T) {
	m := privacy.New([]polygon.Polygon{left(t)})
	for _, f := range []*event.Frame{
		{Width: 4, Height: 2, Pix: bytes.Repeat([]byte{9}, 5)},
		{Width: -4, Height: -2, Pix: bytes.Repeat([]byte{9}, 24)},
		{},
	} {
		got := m.Apply(f)
		require.Len(t, got.Pix, len(f.Pix))
		require.NotContains(t, got.Pix, byte(9))
	}
}

// A pixel is gray where a polygon contains its middle, and untouched where
// none does.
func TestApplyAgreesWithContains(t *testing.T) {
	point := rapid.Custom(func(t *rapid.T) polygon.Point {
		return polygon.Point{X: rapid.Float64Range(0, 1).Draw(t, "x"), Y: rapid.Float64Range(0, 1).Draw(t, "y")}
	})
	rapid.Check(t, func(t *rapid.T) {
		width, height := rapid.IntRange(1, 24).Draw(t, "width"), rapid.IntRange(1, 24).Draw(t, "height")
		var masks []polygon.Polygon
		for range rapid.IntRange(1, 3).Draw(t, "masks") {
			masks = append(masks, rapid.SliceOfN(point, 3, 6).Draw(t, "mask"))
		}
		got := privacy.New(masks).Apply(white(width, height))
		for i := range width * height {
			middle := polygon.Point{X: (float64(i%width) + 0.5) / float64(width), Y: (float64(i/width) + 0.5) / float64(height)}
			want := byte(255)
			if slices.ContainsFunc(masks, func(p polygon.Polygon) bool { return p.Contains(middle) }) {
				want = privacy.Gray
			}
			if !bytes.Equal(got.Pix[i*3:i*3+3], []byte{want, want, want}) {
				t.Fatalf("pixel %d,%d is %v, want %d", i%width, i/width, got.Pix[i*3:i*3+3], want)
			}
		}
	})
}

func BenchmarkApply(b *testing.B) {
	m := privacy.New([]polygon.Polygon{left(b), shape(b, "0.6,0.1; 0.9,0.2; 0.7,0.9")})
	f := white(1280, 720)
	b.SetBytes(int64(len(f.Pix)))
	for b.Loop() {
		if m.Apply(f) == f {
			b.Fatal("nothing covered")
		}
	}
}
