package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/pipeline"
)

// headFinder finds a face at the top of each person that it is shown.
type headFinder struct {
	calls int
	none  bool // it finds none
	err   error
	saw   func(*event.Frame)
}

func (h *headFinder) Faces(_ context.Context, f *event.Frame) ([]face.Face, error) {
	h.calls++
	if h.saw != nil {
		h.saw(f)
	}
	if h.none || h.err != nil {
		return nil, h.err
	}
	var out []face.Face
	for kind, b := range blocksIn(f) {
		if kind == person || kind == guest {
			out = append(out, headOf(b, f.Width, f.Height))
		}
	}
	return out, nil
}

// headOf is a face as wide as the person is.
func headOf(b event.Box, width, height int) face.Face {
	x, y := b.X0*float64(width), b.Y0*float64(height)
	side := b.Width() * float64(width)
	out := face.Face{Box: [4]float64{x, y, x + side, y + side}, Score: 0.95}
	for i, p := range face.Template() {
		out.Landmarks[i] = face.Point{X: x + p.X/face.CropSide*side, Y: y + p.Y/face.CropSide*side}
	}
	return out
}

// clerk says who somebody is.
type clerk struct {
	calls int
	say   func(call int) (string, float64)
	err   error
}

func (c *clerk) Identify(_ context.Context, crop face.Crop) (string, float64, error) {
	c.calls++
	if c.err != nil {
		return "", 0, c.err
	}
	name, distance := c.say(c.calls)
	return name, distance, nil
}

func always(name string, distance float64) func(int) (string, float64) {
	return func(int) (string, float64) { return name, distance }
}

func faceStage(t *testing.T, who *clerk, change ...func(*pipeline.Config)) (*stage, *headFinder) {
	heads := &headFinder{}
	s := newStage(t, func(c *pipeline.Config) {
		c.Settings.Faces.MinSize, c.Faces = 20, heads
		if who != nil {
			c.Identify = who
		}
		for _, do := range change {
			do(c)
		}
	})
	return s, heads
}

// near is somebody whose face can be seen well.
func near(kind uint8) block { return block{kind: kind, y: 0.1, w: 0.25, h: 0.85} }

// loiter lets somebody walk up and down.
func (s *stage) loiter(b block, d time.Duration) {
	s.t.Helper()
	for i := 0; i < int(d/s.step); i++ {
		way := i % 60
		if way > 30 {
			way = 60 - way
		}
		s.show(at(b, 0.05+float64(way)*0.02))
	}
}

func TestANameIsSaidOnceEnoughPicturesAgree(t *testing.T) {
	who := &clerk{say: always("Ada", 0.2)}
	s, _ := faceStage(t, who)
	asked := map[int]int{} // faces in the event, by how often was asked
	s.check = func(v *pipeline.View) {
		if v.Open != nil {
			asked[who.calls] = len(v.Open.Faces)
		}
	}
	s.loiter(near(person), 8*time.Second)
	s.idle(4 * time.Second)
	require.Zero(t, asked[1], "one picture is never enough")
	require.Equal(t, 1, asked[who.calls])
	e := s.only()
	require.Equal(t, []event.Face{{Name: "Ada", Distance: 0.2}}, e.Faces)
	for i, told := range s.out.events {
		if len(told.Faces) > 0 {
			require.Less(t, told.UpdatedAt.Sub(s.out.events[i-1].UpdatedAt.Time), 2*time.Second)
			break
		}
	}
	requireOrder(t, s.out.events)
}

func TestANameIsToldAtOnce(t *testing.T) {
	who := &clerk{say: always("Ada", 0.2)}
	s, _ := faceStage(t, who)
	s.check = func(v *pipeline.View) {
		if v.Open == nil || len(v.Open.Faces) == 0 {
			return
		}
		require.NotEmpty(t, s.newest().Faces, "the event that is open has a name and nobody was told")
	}
	s.loiter(near(person), 8*time.Second)
	require.NotEmpty(t, s.newest().Faces)
}

func TestStrangersHaveNoName(t *testing.T) {
	for name, say := range map[string]func(int) (string, float64){
		"nobody known":      always("", 0.9),
		"far from everyone": always("Ada", 0.8),
		"now one, now another": func(i int) (string, float64) {
			return []string{"Ada", "Ben", ""}[i%3], 0.3
		},
	} {
		t.Run(name, func(t *testing.T) {
			who := &clerk{say: say}
			s, _ := faceStage(t, who)
			s.loiter(near(person), 20*time.Second)
			s.idle(4 * time.Second)
			require.Empty(t, s.only().Faces)
			require.NotNil(t, s.only().Faces)
			require.Positive(t, who.calls)
		})
	}
}

// Who stays for minutes is not asked about for minutes, and looked at ever less.
func TestTriesAreBounded(t *testing.T) {
	who := &clerk{say: always("", 0.9)}
	s, heads := faceStage(t, who)
	s.loiter(near(person), 4*time.Minute)
	require.NotEqual(t, event.Ended, s.only().State, "one person, one event")
	require.LessOrEqual(t, who.calls, 12)
	require.LessOrEqual(t, heads.calls, 60)

	named := &clerk{say: always("Ada", 0.2)}
	s, _ = faceStage(t, named)
	s.loiter(near(person), time.Minute)
	require.LessOrEqual(t, named.calls, 6)
	require.Len(t, s.newest().Faces, 1)
}

func TestBacksAreLookedAtAFewTimesOnly(t *testing.T) {
	s, heads := faceStage(t, nil)
	heads.none = true
	s.loiter(near(person), 4*time.Minute)
	require.NotEqual(t, event.Ended, s.only().State, "one person, one event")
	require.LessOrEqual(t, heads.calls, 60)
	require.Greater(t, heads.calls, 20)
}

func TestOnlyPersonsHaveFaces(t *testing.T) {
	s, heads := faceStage(t, nil)
	s.pass(car, 6*time.Second)
	s.pass(cat, 6*time.Second)
	require.Zero(t, heads.calls)
	s.loiter(near(person), 4*time.Second)
	require.Positive(t, heads.calls)
}

func TestFarPersonsAreNotLookedAt(t *testing.T) {
	s, heads := faceStage(t, nil)
	s.move(block{kind: person, x: -0.05, y: 0.4, w: 0.05, h: 0.25}, 1, 6*time.Second) // 8 pixels wide
	require.Zero(t, heads.calls)
	require.NotEmpty(t, s.out.events)
}

func TestFacesAreInTheViewInPixelsOfTheFrame(t *testing.T) {
	s, _ := faceStage(t, nil)
	seen := 0
	s.check = func(v *pipeline.View) {
		for _, f := range v.Faces {
			seen++
			want := headOf(blocksIn(v.Frame)[person], v.Frame.Width, v.Frame.Height)
			require.Greater(t, f.IoU(want), 0.9)
			require.Positive(t, f.Quality)
		}
	}
	s.loiter(near(person), 4*time.Second)
	require.Positive(t, seen)
}

// A camera whose faces cannot be looked at is not blind: the fault is logged,
// once a minute, and the events go on.
func TestAFaultOfTheFacesIsLoggedAndSurvived(t *testing.T) {
	broken := errors.New("broken")
	for name, spoil := range map[string]func(*headFinder, *clerk){
		"detector":   func(h *headFinder, _ *clerk) { h.err = broken },
		"identifier": func(_ *headFinder, c *clerk) { c.err = broken },
	} {
		t.Run(name, func(t *testing.T) {
			who := &clerk{say: always("Ada", 0.2)}
			var log bytes.Buffer
			s, heads := faceStage(t, who, func(c *pipeline.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			spoil(heads, who)
			for i := range 20 {
				require.NoError(t, s.line.Handle(t.Context(), s.frame(at(near(person), float64(i)*0.02))))
				s.now = s.now.Add(s.step)
			}
			require.Equal(t, 1, strings.Count(log.String(), "broken"))
			require.NotEmpty(t, s.out.events, "the event is told all the same")
			heads.err, who.err = nil, nil
			s.loiter(near(person), 8*time.Second)
			s.idle(4 * time.Second)
			require.Equal(t, event.Ended, s.newest().State)
		})
	}
}
