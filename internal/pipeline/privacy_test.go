package pipeline_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/pipeline"
	"porchlight/internal/polygon"
	"porchlight/internal/privacy"
)

const masked = "0,0; 0.4,0; 0.4,1; 0,1"

func TestNobodySeesWhatIsMasked(t *testing.T) {
	faces := &headFinder{}
	s := newStage(t, func(c *pipeline.Config) {
		c.Settings.PrivacyMasks = []polygon.Polygon{shape(t, masked)}
		c.Settings.Faces.MinSize, c.Faces = 10, faces
	})
	hidden := func(f *event.Frame) { // the secret is a cat, and it stays behind the mask
		_, seen := blocksIn(f)[cat]
		require.False(t, seen)
	}
	s.detector.saw, faces.saw = hidden, hidden
	s.check = func(v *pipeline.View) {
		hidden(v.Frame)
		require.Equal(t, byte(privacy.Gray), v.Frame.Pix[0])
	}
	secret := block{kind: cat, x: 0.05, y: 0.3, w: 0.2, h: 0.4}
	s.idle(2*time.Second, secret)
	for i := range 40 {
		secret.x = 0.05 + float64(i%10)*0.01
		s.show(secret, at(walker(person), 0.4+float64(i)*0.015))
	}
	s.idle(4 * time.Second)
	e := s.only()
	require.NotContains(t, e.Labels, "cat")
	require.Positive(t, s.line.Stats().Inferences)
	require.Positive(t, faces.calls)
	pictures := 0
	for _, data := range s.out.thumbnails {
		if data == nil {
			continue
		}
		pictures++
		picture, err := jpeg.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		requireGray(t, picture, image.Rect(0, 0, 56, 90))
	}
	require.Positive(t, pictures)
}

// requireGray looks for anything but the mask's gray, allowing for the JPEG.
func requireGray(t *testing.T, picture image.Image, part image.Rectangle) {
	t.Helper()
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			r, g, b, _ := picture.At(x, y).RGBA()
			for _, v := range []uint32{r, g, b} {
				require.InDelta(t, privacy.Gray, v>>8, 8, "pixel %d, %d", x, y)
			}
		}
	}
}

func TestWhatMovesBehindAMaskIsNoMotion(t *testing.T) {
	s := newStage(t, func(c *pipeline.Config) { c.Settings.PrivacyMasks = []polygon.Polygon{shape(t, masked)} })
	before := s.line.Stats().Inferences
	for range 3 {
		s.move(block{kind: person, x: 0, y: 0.3, w: 0.15, h: 0.5}, 0.24, 3*time.Second)
	}
	require.Equal(t, before, s.line.Stats().Inferences)
	require.Empty(t, s.out.events)
}

// Who walks into a mask is gone, and their event ends.
func TestAnEventEndsAtTheMask(t *testing.T) {
	s := newStage(t, func(c *pipeline.Config) { c.Settings.PrivacyMasks = []polygon.Polygon{shape(t, masked)} })
	b := s.move(at(walker(person), 1), 0.45, 3*time.Second)
	s.move(b, 0.1, 2*time.Second)
	s.idle(6 * time.Second)
	require.Equal(t, event.Ended, s.only().State)
	require.GreaterOrEqual(t, s.only().Box.X0, 0.39)
}
