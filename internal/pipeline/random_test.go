package pipeline_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/pipeline"
)

// dice is a detector of anything, anywhere.
type dice struct{ t *rapid.T }

func (d dice) Detect(context.Context, *event.Frame) ([]event.Detection, error) {
	if rapid.IntRange(0, 20).Draw(d.t, "fails") == 0 {
		return nil, errors.New("broken")
	}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event.Detection {
		if rapid.Bool().Draw(t, "usual") {
			x, y := rapid.Float64Range(0, 0.8).Draw(t, "x"), rapid.Float64Range(0, 0.6).Draw(t, "y")
			return event.Detection{Label: "person", Score: 0.9, Box: event.Box{X0: x, Y0: y, X1: x + 0.2, Y1: y + 0.4}}
		}
		return event.Detection{
			Label: rapid.SampledFrom([]string{"person", "car", "cat", "kite"}).Draw(t, "label"),
			Score: rapid.OneOf(rapid.Float64Range(0, 1), rapid.Float64(), rapid.Just(math.NaN())).Draw(t, "score"),
			Box: event.Box{
				X0: anywhere(t), Y0: anywhere(t), X1: anywhere(t), Y1: anywhere(t),
			},
		}
	}), 0, 5).Draw(d.t, "found"), nil
}

func anywhere(t *rapid.T) float64 {
	return rapid.OneOf(rapid.Float64Range(-0.5, 1.5), rapid.Float64Range(0, 1), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, 1})).Draw(t, "at")
}

func (d dice) Faces(context.Context, *event.Frame) ([]face.Face, error) {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) face.Face {
		f := face.Face{Score: rapid.Float64().Draw(t, "score"), Box: [4]float64{0, 0, 20, 20}}
		for i := range f.Landmarks {
			f.Landmarks[i] = face.Point{X: 40 * anywhere(t), Y: 40 * anywhere(t)}
		}
		return f
	}), 0, 2).Draw(d.t, "faces"), nil
}

func (d dice) Identify(context.Context, face.Crop) (string, float64, error) {
	return rapid.SampledFrom([]string{"", "Ada", "Ben"}).Draw(d.t, "name"), rapid.Float64Range(0, 2).Draw(d.t, "distance"), nil
}

// street is a small picture of a pipeline under random conditions.
type street struct {
	t    *rapid.T
	cfg  pipeline.Config
	line *pipeline.Pipeline
	out  *sink
	now  time.Time
	s    *stage
}

func newStreet(t *rapid.T, outer *testing.T) *street {
	settings := config.CameraDefaults()
	settings.Cooldown = 10 * time.Second
	settings.Faces.MinSize = 5
	settings.Zones = zonesOf(outer, "left", "0,0; 0.5,0; 0.5,1; 0,1", "right", right)
	zone := settings.Zones["right"]
	zone.Things = true
	settings.Zones["right"] = zone
	out, d := &sink{}, dice{t}
	st := &street{t: t, out: out, now: start, s: coldStage(outer, nil)}
	st.s.w, st.s.h = 64, 36
	st.cfg = pipeline.Config{
		Camera: "home.door", Settings: settings, Detector: d, Faces: d, Identify: d, Sink: out, Model: "dice", MinScore: 0.5,
		StateFile: outer.TempDir() + "/door.json", Log: slog.New(slog.DiscardHandler),
	}
	st.line = pipeline.New(st.cfg)
	return st
}

// show hands on one frame, of which anything may be true.
func (st *street) show(after time.Duration) {
	st.now = st.now.Add(after)
	if rapid.IntRange(0, 30).Draw(st.t, "resize") == 0 {
		st.s.w, st.s.h = rapid.IntRange(1, 80).Draw(st.t, "width"), rapid.IntRange(1, 60).Draw(st.t, "height")
	}
	if rapid.IntRange(0, 30).Draw(st.t, "light") == 0 {
		st.s.light = uint8(rapid.IntRange(0, 250).Draw(st.t, "level"))
	}
	var blocks []block
	for range rapid.IntRange(0, 2).Draw(st.t, "blocks") {
		blocks = append(blocks, block{x: rapid.Float64Range(0, 0.8).Draw(st.t, "bx"), y: 0.2, w: 0.2, h: 0.5})
	}
	f := st.s.frame(blocks...)
	f.Time = st.now
	if rapid.IntRange(0, 40).Draw(st.t, "cut") == 0 {
		f.Pix = f.Pix[:len(f.Pix)/2]
	}
	_ = st.line.Handle(context.Background(), f) // errors are allowed, panics are not
}

// die ends the process, in order or not, and starts a new one.
func (st *street) die() {
	st.cfg.Resume = nil
	if n := len(st.out.events); n > 0 && st.out.events[n-1].State != event.Ended {
		open := st.out.events[n-1]
		st.cfg.Resume = &open
	}
	if rapid.Bool().Draw(st.t, "in order") {
		require.NoError(st.t, st.line.Close(context.Background()))
		st.cfg.Resume = nil
	}
	st.line = pipeline.New(st.cfg)
}

func TestWhateverComesEventsAreSound(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		st := newStreet(r, t)
		for range rapid.IntRange(1, 120).Draw(r, "frames") {
			switch rapid.IntRange(0, 25).Draw(r, "happens") {
			case 0:
				st.now = st.now.Add(time.Duration(rapid.IntRange(0, 100).Draw(r, "pause")) * time.Second)
			case 1:
				st.die()
			}
			st.show(time.Duration(rapid.IntRange(0, 500).Draw(r, "step")) * time.Millisecond)
		}
		require.NoError(r, st.line.Close(context.Background()))
		requireOrder(r, st.out.events)
		if n := len(st.out.events); n > 0 {
			require.Equal(r, event.Ended, st.out.events[n-1].State)
		}
	})
}

func TestWhateverTheClockDoesEventsAreSound(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		st := newStreet(r, t)
		st.now = time.Unix(rapid.Int64Range(0, 20).Draw(r, "since 1970"), 0) // the clock of a device without a battery
		for range rapid.IntRange(1, 80).Draw(r, "frames") {
			step := 200 * time.Millisecond
			switch rapid.IntRange(0, 15).Draw(r, "happens") {
			case 0:
				step = time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(r, "clock"))
			case 1:
				step = -time.Duration(rapid.IntRange(0, 6000).Draw(r, "late")) * time.Millisecond
			case 2:
				st.die()
			}
			st.show(step)
		}
		require.NoError(r, st.line.Close(context.Background()))
		byID := map[string][]event.Event{}
		for _, e := range st.out.events {
			byID[e.EventID] = append(byID[e.EventID], e)
		}
		for _, states := range byID {
			requireOrder(r, states)
			require.Equal(r, event.Ended, states[len(states)-1].State)
		}
	})
}
