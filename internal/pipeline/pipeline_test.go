package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// scene draws frames: noise of the given strength with a red block on it.
type scene struct {
	rng    *rand.Rand
	frames int64
}

const width, height, fps = 320, 180, 5

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newScene() *scene { return &scene{rng: rand.New(rand.NewPCG(1, 2))} }

func (s *scene) frame(x int, light uint8) *event.Frame {
	f := &event.Frame{
		Sequence: s.frames, Width: width, Height: height, Pix: make([]byte, width*height*3),
		Time: start.Add(time.Duration(s.frames) * time.Second / fps),
	}
	s.frames++
	for i := range f.Pix {
		f.Pix[i] = light + uint8(s.rng.IntN(6))
	}
	if x >= 0 {
		for y := 60; y < 140; y++ {
			for px := x; px < min(x+40, width); px++ {
				i := (y*width + px) * 3
				f.Pix[i], f.Pix[i+1], f.Pix[i+2] = 0, 0, 255
			}
		}
	}
	return f
}

// redDetector finds the red block by looking at the pixels.
type redDetector struct {
	calls int
	err   error
}

func (d *redDetector) Detect(_ context.Context, f *event.Frame) ([]event.Detection, error) {
	d.calls++
	if d.err != nil {
		return nil, d.err
	}
	x0, y0, x1, y1 := f.Width, f.Height, -1, -1
	for y := range f.Height {
		for x := range f.Width {
			i := (y*f.Width + x) * 3
			if f.Pix[i+2] == 255 && f.Pix[i+1] == 0 {
				x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x+1), max(y1, y+1)
			}
		}
	}
	if x1 < 0 {
		return nil, nil
	}
	w, h := float64(f.Width), float64(f.Height)
	return []event.Detection{
		{Label: "person", Score: 0.6 + 0.3*float64(x0)/w, Box: event.Box{X0: float64(x0) / w, Y0: float64(y0) / h, X1: float64(x1) / w, Y1: float64(y1) / h}},
		{Label: "kite", Score: 0.9, Box: event.Box{X0: 0.1, X1: 0.2, Y1: 0.1}},
		{Label: "person", Score: 0.2, Box: event.Box{X0: 0.1, X1: 0.2, Y1: 0.1}},
	}, nil
}

type sink struct {
	events     []event.Event
	thumbnails [][]byte
	err        error
}

func (s *sink) Publish(_ context.Context, e event.Event, thumbnail []byte) error {
	if s.err != nil {
		return s.err
	}
	if err := e.Validate(); err != nil {
		return err
	}
	s.events, s.thumbnails = append(s.events, e), append(s.thumbnails, thumbnail)
	return nil
}

func build(d pipeline.Detector, s pipeline.Sink) *pipeline.Pipeline {
	return pipeline.New(pipeline.Config{
		Camera: "home.door", Detector: d, Sink: s, Model: "red", Settings: config.Camera{Labels: []string{"person"}, Quiet: 2 * time.Second},
		MinScore: 0.5, Log: slog.New(slog.DiscardHandler),
	})
}

func feed(t *testing.T, p *pipeline.Pipeline, frames ...*event.Frame) {
	t.Helper()
	for _, f := range frames {
		require.NoError(t, p.Handle(t.Context(), f))
	}
}

func walk(s *scene) (frames []*event.Frame) {
	for range 20 {
		frames = append(frames, s.frame(-1, 90))
	}
	for i := range 30 {
		frames = append(frames, s.frame(i*10, 90))
	}
	for range 40 {
		frames = append(frames, s.frame(-1, 90))
	}
	return frames
}

func TestOneWalkIsOneEvent(t *testing.T) {
	d, out, s := &redDetector{}, &sink{}, newScene()
	feed(t, build(d, out), walk(s)...)

	require.GreaterOrEqual(t, len(out.events), 3)
	first, last := out.events[0], out.events[len(out.events)-1]
	require.Equal(t, event.Started, first.State)
	require.Equal(t, event.Ended, last.State)
	for i, e := range out.events {
		require.Equal(t, first.EventID, e.EventID)
		require.Equal(t, i+1, e.Sequence)
		if i > 0 && i < len(out.events)-1 {
			require.Equal(t, event.Updated, e.State)
		}
	}
	require.Len(t, last.Labels, 1)
	require.InDelta(t, 0.6+0.3*280/320, last.Labels["person"], 0.03, "the best score is kept")
	require.Less(t, first.Labels["person"], last.Labels["person"])
	require.Equal(t, start.Add(4*time.Second), first.StartedAt.Time, "the event starts when the object is first seen")
	require.Less(t, first.UpdatedAt.Sub(first.StartedAt.Time), time.Second, "and is told of within a second")
	require.WithinDuration(t, start.Add(10*time.Second), last.EndedAt.Time, 500*time.Millisecond)

	picture, err := jpeg.Decode(bytes.NewReader(out.thumbnails[0]))
	require.NoError(t, err)
	box := first.Box
	r, g, _, _ := picture.At(int((box.X0+box.X1)/2*width), int((box.Y0+box.Y1)/2*height)).RGBA()
	require.Greater(t, r, 3*g, "the box lies on the red block")
}

func TestStillSceneCostsNothing(t *testing.T) {
	d, out, s := &redDetector{}, &sink{}, newScene()
	p := build(d, out)
	for range 50 {
		feed(t, p, s.frame(-1, 90))
	}
	calls := d.calls
	for range 500 {
		feed(t, p, s.frame(-1, 90))
	}
	require.Equal(t, calls, d.calls, "no inference while nothing moves")
	require.Empty(t, out.events)
	require.Equal(t, int64(550), p.Stats().Frames)
}

func TestLightSwitchIsNotMotionForLong(t *testing.T) {
	d, out, s := &redDetector{}, &sink{}, newScene()
	p := build(d, out)
	for range 50 {
		feed(t, p, s.frame(-1, 30))
	}
	for range 20 {
		feed(t, p, s.frame(-1, 200))
	}
	calls := d.calls
	for range 50 {
		feed(t, p, s.frame(-1, 200))
	}
	require.Equal(t, calls, d.calls)
}

func TestObjectAtRestMakesNoEvent(t *testing.T) {
	d, out, s := &redDetector{}, &sink{}, newScene()
	p := build(d, out)
	for range 300 {
		feed(t, p, s.frame(100, 90))
	}
	require.Empty(t, out.events)
}

func TestCloseEndsTheOpenEvent(t *testing.T) {
	out := &sink{}
	p := build(&redDetector{}, out)
	feed(t, p, walk(newScene())[:40]...)
	require.NotEqual(t, event.Ended, out.events[len(out.events)-1].State)
	require.NoError(t, p.Close(t.Context()))
	require.Equal(t, event.Ended, out.events[len(out.events)-1].State)
	n := len(out.events)
	require.NoError(t, p.Close(t.Context()))
	require.Len(t, out.events, n)
}

func TestErrorsAreReturnedAndSurvived(t *testing.T) {
	broken := errors.New("broken")
	d, out := &redDetector{err: broken}, &sink{}
	p := build(d, out)
	frames := walk(newScene())
	require.ErrorIs(t, p.Handle(t.Context(), frames[0]), broken)
	d.err = nil
	feed(t, p, frames[1:]...)
	require.NotEmpty(t, out.events)
}

func TestThumbnailStaysSmall(t *testing.T) {
	f := &event.Frame{Width: 1920, Height: 1080, Pix: make([]byte, 1920*1080*3)}
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range f.Pix {
		f.Pix[i] = uint8(rng.Uint32())
	}
	data, err := pipeline.Thumbnail(f)
	require.NoError(t, err)
	require.LessOrEqual(t, len(data), pipeline.MaxThumbnail)
	picture, err := jpeg.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	require.Equal(t, 640, picture.Bounds().Dx())

	_, err = pipeline.Thumbnail(&event.Frame{Width: 10, Height: 10})
	require.Error(t, err)
}

func BenchmarkHandleStill(b *testing.B) {
	p := build(&redDetector{}, &sink{})
	f := &event.Frame{Width: 1280, Height: 720, Pix: make([]byte, 1280*720*3)}
	b.ReportAllocs()
	for i := range b.N {
		g := *f
		g.Time = start.Add(time.Duration(i) * time.Second / fps)
		if err := p.Handle(b.Context(), &g); err != nil {
			b.Fatal(err)
		}
	}
}

func TestEventEndsInTimeThoughTheDetectorFails(t *testing.T) {
	d, out := &redDetector{}, &sink{}
	p := build(d, out)
	frames := walk(newScene())
	feed(t, p, frames[:40]...)
	require.NotEmpty(t, out.events)
	d.err = errors.New("broken")
	for _, f := range frames[40:] {
		_ = p.Handle(t.Context(), f)
	}
	require.Equal(t, event.Ended, out.events[len(out.events)-1].State)
}

func TestEventIsToldWithoutAPictureThatCannotBeMade(t *testing.T) {
	out := &sink{}
	d := &thief{}
	p := build(d, out)
	var faults []error
	for _, f := range walk(newScene()) {
		d.frame = f
		faults = append(faults, p.Handle(t.Context(), f))
	}
	require.ErrorContains(t, errors.Join(faults...), "thumbnail")
	require.Equal(t, event.Started, out.events[0].State)
	require.Nil(t, out.thumbnails[0])
	require.Equal(t, event.Ended, out.events[len(out.events)-1].State)
}

// thief takes the pixels of a frame back after looking, as a source that uses
// its buffer again too early would.
type thief struct {
	redDetector
	frame *event.Frame
}

func (d *thief) Detect(ctx context.Context, f *event.Frame) ([]event.Detection, error) {
	defer func() { d.frame.Pix = nil }()
	return d.redDetector.Detect(ctx, f)
}

func TestATornFrameIsAFaultAndNoPicture(t *testing.T) {
	d, out := &redDetector{}, &sink{}
	p := build(d, out)
	frames := walk(newScene())
	feed(t, p, frames[:40]...)
	looks, told := d.calls, len(out.events)
	require.NotZero(t, told)
	torn := *frames[40]
	torn.Pix = torn.Pix[:len(torn.Pix)/2]
	require.ErrorContains(t, p.Handle(t.Context(), &torn), "320x180")
	require.Equal(t, looks, d.calls, "there is nothing to look at")
	feed(t, p, frames[41:]...)
	require.NoError(t, p.Close(t.Context()))
	require.Equal(t, event.Ended, out.events[len(out.events)-1].State)
}
