package pipeline_test

import (
	"bytes"
	"image/jpeg"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// pictures returns the boxes of the states that came with a picture.
func (s *stage) pictures() (boxes []event.Box) {
	for i, e := range s.out.events {
		if s.out.thumbnails[i] != nil {
			boxes = append(boxes, e.Box)
		}
	}
	return boxes
}

func TestAWholeObjectBeatsOneThatIsCut(t *testing.T) {
	s := newStage(t, nil)
	large := block{kind: person, x: -0.1, y: 0.3, w: 0.25, h: 0.7} // over the edge, and large
	for i := range 15 {
		s.show(at(large, -0.1+float64(i%5)*0.01))
	}
	require.Less(t, s.newest().Box.Y0, 0.35)
	require.Equal(t, 1., s.newest().Box.Y1)
	s.move(at(block{kind: guest, y: 0.4, w: 0.08, h: 0.3}, 0.6), 0.3, 4*time.Second, large)
	require.InDelta(t, 0.7, s.newest().Box.Y1, 0.01, "the small one, but whole")
	require.InDelta(t, 0.85, s.newest().Score, 1e-9)
}

func TestALargerPictureMustBeLargerByAGoodPart(t *testing.T) {
	for name, c := range map[string]struct {
		grow float64
		more int
	}{"by 10 %": {1.1, 0}, "by 40 %": {1.4, 1}} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, nil)
			small := block{kind: person, y: 0.3, w: 0.12, h: 0.4}
			s.move(at(small, -0.12), 0.3, 4*time.Second)
			s.idle(2*time.Second, at(small, 0.3))
			before := len(s.pictures())
			large := block{kind: person, y: 0.3, w: 0.12 * c.grow, h: 0.4 * c.grow}
			s.move(at(large, 0.3), 0.6, 4*time.Second)
			require.Len(t, s.pictures(), before+c.more)
		})
	}
}

func TestAFaceBeatsNone(t *testing.T) {
	heads := &headFinder{none: true}
	s := newStage(t, func(c *pipeline.Config) { c.Settings.Faces.MinSize, c.Faces = 20, heads })
	large := block{kind: person, x: 0.3, y: 0.05, w: 0.35, h: 0.9}
	for i := range 20 {
		s.show(at(large, 0.3+float64(i)*0.005))
	}
	require.InDelta(t, 0.9, s.newest().Box.Height(), 0.02)
	heads.none = false
	small := block{kind: person, x: 0.4, y: 0.3, w: 0.25, h: 0.5}
	for i := range 20 {
		s.show(at(small, 0.4+float64(i)*0.005))
	}
	require.InDelta(t, 0.5, s.newest().Box.Height(), 0.02)
	heads.none = true
	for i := range 20 {
		s.show(at(large, 0.3+float64(i)*0.005))
	}
	require.InDelta(t, 0.5, s.newest().Box.Height(), 0.02, "and stays")
}

func TestThumbnailsFitAndShowTheBox(t *testing.T) {
	s := newStage(t, nil)
	s.w, s.h = 960, 541
	s.idle(3 * time.Second)
	s.pass(person, 5*time.Second)
	n := 0
	for i, data := range s.out.thumbnails {
		if data == nil {
			continue
		}
		n++
		require.LessOrEqual(t, len(data), pipeline.MaxThumbnail)
		picture, err := jpeg.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		require.Equal(t, 640, picture.Bounds().Dx())
		require.Equal(t, 360, picture.Bounds().Dy())
		b := s.out.events[i].Box
		r, g, blue, _ := picture.At(int((b.X0+b.X1)/2*640), int((b.Y0+b.Y1)/2*360)).RGBA()
		require.Greater(t, r, 2*max(g, blue))
	}
	require.Positive(t, n)
	require.NotNil(t, s.out.thumbnails[0], "the first word comes with a picture")
}
