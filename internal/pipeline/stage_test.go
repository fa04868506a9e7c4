package pipeline_test

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
	"porchlight/internal/polygon"
)

// block is something in the picture. Stripes of two colors give it structure,
// and its kind is its level of green, which the background never has.
type block struct {
	kind       uint8   // 0: of a color that the detector knows nothing of
	x, y, w, h float64 // in fractions of the frame
}

// The kinds of blocks that the detector knows.
const (
	person uint8 = 1 + iota
	guest        // a person as well
	car
	van // a car as well
	cat
	bike
	mistake // a person of low score
)

func labels() map[uint8]event.Detection {
	return map[uint8]event.Detection{
		person: {Label: "person", Score: 0.9}, guest: {Label: "person", Score: 0.85}, car: {Label: "car", Score: 0.9},
		van: {Label: "car", Score: 0.8}, cat: {Label: "cat", Score: 0.9}, bike: {Label: "bicycle", Score: 0.9},
		mistake: {Label: "person", Score: 0.4},
	}
}

// blockDetector finds blocks by their colors.
type blockDetector struct {
	kinds map[uint8]event.Detection
	calls int
	err   error
	saw   func(*event.Frame)
}

func newBlockDetector() *blockDetector { return &blockDetector{kinds: labels()} }

func (d *blockDetector) Detect(_ context.Context, f *event.Frame) ([]event.Detection, error) {
	d.calls++
	if d.saw != nil {
		d.saw(f)
	}
	if d.err != nil {
		return nil, d.err
	}
	var out []event.Detection
	for kind, box := range blocksIn(f) {
		if found, known := d.kinds[kind]; known {
			found.Box = box
			out = append(out, found)
		}
	}
	return out, nil
}

// blocksIn returns the bounds of all blocks that can be seen in a picture.
func blocksIn(f *event.Frame) map[uint8]event.Box {
	type bounds struct{ x0, y0, x1, y1 int }
	found := map[uint8]*bounds{}
	for y := range f.Height {
		row := f.Pix[y*f.Width*3 : (y+1)*f.Width*3]
		if bytes.IndexByte(row, 0) < 0 { // blocks have no blue
			continue
		}
		for x := bytes.IndexByte(row, 0) / 3; x <= bytes.LastIndexByte(row, 0)/3; x++ {
			i := (y*f.Width + x) * 3
			if f.Pix[i] != 0 || f.Pix[i+1] == 0 || f.Pix[i+1] > 20 {
				continue
			}
			b := found[f.Pix[i+1]]
			if b == nil {
				b = &bounds{x, y, x + 1, y + 1}
				found[f.Pix[i+1]] = b
			}
			b.x0, b.y0, b.x1, b.y1 = min(b.x0, x), min(b.y0, y), max(b.x1, x+1), max(b.y1, y+1)
		}
	}
	w, h := float64(f.Width), float64(f.Height)
	out := map[uint8]event.Box{}
	for kind, b := range found {
		out[kind] = event.Box{X0: float64(b.x0) / w, Y0: float64(b.y0) / h, X1: float64(b.x1) / w, Y1: float64(b.y1) / h}
	}
	return out
}

// stage is a pipeline and the street before it.
type stage struct {
	t         testing.TB
	detector  *blockDetector
	out       *sink
	line      *pipeline.Pipeline
	cfg       pipeline.Config
	view      *pipeline.View // of the last frame
	now       time.Time
	step      time.Duration // between frames
	w, h      int
	light     uint8          // of the ground
	lit       uint8          // what grounds are made for
	grounds   []*event.Frame // noise
	rng       *rand.Rand
	count     int
	parked    []block // in every frame, behind all else
	check     func(*pipeline.View)
	forgiving bool // errors of Handle are no failure
}

// newStage opens a pipeline on an empty street that it has watched for a while.
func newStage(t testing.TB, change func(*pipeline.Config)) *stage {
	s := coldStage(t, change)
	s.idle(4 * time.Second)
	return s
}

// coldStage opens a pipeline that has seen no frame yet.
func coldStage(t testing.TB, change func(*pipeline.Config)) *stage {
	s := &stage{
		t: t, detector: newBlockDetector(), out: &sink{}, now: start, step: 200 * time.Millisecond,
		w: 160, h: 90, light: 90, rng: rand.New(rand.NewPCG(1, 2)),
	}
	settings := config.CameraDefaults()
	settings.Labels = []string{"person", "car", "cat"}
	s.cfg = pipeline.Config{
		Camera: "home.door", Settings: settings, Detector: s.detector, Sink: s.out, Model: "blocks", MinScore: 0.5,
		Log: slog.New(slog.DiscardHandler),
	}
	s.cfg.OnView = func(v *pipeline.View) {
		s.view = v
		if s.check != nil {
			s.check(v)
		}
	}
	if change != nil {
		change(&s.cfg)
	}
	s.line = pipeline.New(s.cfg)
	return s
}

// restart goes on with a new pipeline, as after a crash.
func (s *stage) restart(resume *event.Event) {
	s.cfg.Resume = resume
	s.line = pipeline.New(s.cfg)
}

func (s *stage) frame(blocks ...block) *event.Frame {
	if len(s.grounds) == 0 || s.grounds[0].Width != s.w || s.grounds[0].Height != s.h || s.lit != s.light {
		s.grounds, s.lit = nil, s.light
		for range 5 {
			g := &event.Frame{Width: s.w, Height: s.h, Pix: make([]byte, s.w*s.h*3)}
			for i := range g.Pix {
				g.Pix[i] = s.light + uint8(s.rng.IntN(6))
			}
			s.grounds = append(s.grounds, g)
		}
	}
	f := *s.grounds[s.count%len(s.grounds)]
	f.Pix = bytes.Clone(f.Pix)
	f.Sequence, f.Time = int64(s.count), s.now
	s.count++
	for _, b := range append(append([]block(nil), s.parked...), blocks...) {
		paint(&f, b)
	}
	return &f
}

func paint(f *event.Frame, b block) {
	x0, y0 := int(math.Round(b.x*float64(f.Width))), int(math.Round(b.y*float64(f.Height)))
	w, h := int(math.Round(b.w*float64(f.Width))), int(math.Round(b.h*float64(f.Height)))
	for y := max(y0, 0); y < min(y0+h, f.Height); y++ {
		for x := max(x0, 0); x < min(x0+w, f.Width); x++ {
			color := [3]byte{0, b.kind, 200}
			if (x-x0)/4%2 == (y-y0)/6%2 {
				color[2] = 100
			}
			if b.kind == 0 {
				color = [3]byte{200, 60, 20}
			}
			copy(f.Pix[(y*f.Width+x)*3:], color[:])
		}
	}
}

// show hands one frame with these blocks to the pipeline.
func (s *stage) show(blocks ...block) {
	s.t.Helper()
	err := s.line.Handle(s.t.Context(), s.frame(blocks...))
	if !s.forgiving {
		require.NoError(s.t, err)
	}
	s.now = s.now.Add(s.step)
}

// idle lets time pass in which the same blocks stand still.
func (s *stage) idle(d time.Duration, blocks ...block) {
	s.t.Helper()
	for end := s.now.Add(d); s.now.Before(end); {
		s.show(blocks...)
	}
}

// move lets a block go to where its left side is at x in the time given, while
// others stand still, and returns it as it is there.
func (s *stage) move(b block, x float64, d time.Duration, others ...block) block {
	s.t.Helper()
	steps := int(d / s.step)
	from := b.x
	for i := range steps {
		b.x = from + (x-from)*float64(i+1)/float64(steps)
		s.show(append(append([]block(nil), others...), b)...)
	}
	return b
}

// pass lets somebody cross the picture from left to right in the time given.
func (s *stage) pass(kind uint8, d time.Duration, others ...block) {
	s.t.Helper()
	b := walker(kind)
	b.x = -b.w
	s.move(b, 1, d, others...)
}

// walker is a block of the size of somebody near.
func walker(kind uint8) block { return block{kind: kind, y: 0.35, w: 0.12, h: 0.5} }

func at(b block, x float64) block {
	b.x = x
	return b
}

// parkedCar stands at the left.
func parkedCar() block { return block{kind: car, x: 0.1, y: 0.3, w: 0.25, h: 0.25} }

// events returns the last state of each event, in order.
func (s *stage) events() (last []event.Event) {
	for _, e := range s.out.events {
		if n := len(last); n > 0 && last[n-1].EventID == e.EventID {
			last[n-1] = e
			continue
		}
		last = append(last, e)
	}
	return last
}

// only returns the last state of the one event that there was.
func (s *stage) only() event.Event {
	s.t.Helper()
	events := s.events()
	require.Len(s.t, events, 1)
	return events[0]
}

func (s *stage) newest() event.Event {
	s.t.Helper()
	require.NotEmpty(s.t, s.out.events)
	return s.out.events[len(s.out.events)-1]
}

func shape(t testing.TB, text string) polygon.Polygon {
	t.Helper()
	p, err := polygon.Parse(text)
	require.NoError(t, err)
	return p
}

// requireOrder checks the order of all that was published.
func requireOrder(t require.TestingT, published []event.Event) {
	open := ""
	var before event.Event
	for i, e := range published {
		require.NoError(t, e.Validate())
		require.False(t, e.UpdatedAt.Before(e.StartedAt.Time))
		if open == "" {
			require.Equal(t, event.Started, e.State, "state %d", i)
			require.Equal(t, 1, e.Sequence)
			if i > 0 && before.EndedAt != nil {
				require.False(t, e.StartedAt.Before(before.EndedAt.Time), "an event begins before the last one ended")
				require.NotEqual(t, before.EventID, e.EventID)
			}
			open = e.EventID
		} else {
			require.Equal(t, open, e.EventID, "one event at a time")
			require.NotEqual(t, event.Started, e.State)
			require.Equal(t, before.Sequence+1, e.Sequence)
			require.Equal(t, before.StartedAt, e.StartedAt)
			require.False(t, e.UpdatedAt.Before(before.UpdatedAt.Time), "updated_at goes back")
			require.False(t, before.Severity == event.Alert && e.Severity != event.Alert, "severity falls")
		}
		if e.State == event.Ended {
			require.False(t, e.EndedAt.Before(e.StartedAt.Time))
			open = ""
		}
		before = e
	}
}
