package footage

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/motion/weather"
	"porchlight/internal/pipeline"
)

// The weather of the night: what the budget names.
const nightly = weather.Noise | weather.Rain | weather.Infrared | weather.Headlights

// TestTwelveQuietHoursTellNothing: nobody comes, and nothing is told, though
// it rains, the camera turns to infrared and back, and cars pass with their
// headlights on. The camera's program is started anew now and then.
func TestTwelveQuietHoursTellNothing(t *testing.T) {
	for name, scene := range stillScenes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNight(t, scene.frame(t), nightly)
			if scene.parked {
				n.requireVehicle(t)
			}
			for _, s := range scene.shown {
				n.at = s.From
				before := n.sum
				n.watch(t, s.To)
				n.restart(t)
				t.Logf("%v to %v: %d frames, looked at %d, %d inferences; %d headlights so far", s.From, s.To,
					n.sum.Frames-before.Frames, n.sum.Looks-before.Looks, n.sum.Inferences-before.Inferences, n.sweeps)
			}
			require.Positive(t, n.sweeps)
			require.Empty(t, n.events, "nothing has happened")
		})
	}
}

// The same night, but somebody comes: silence alone would prove nothing.
func TestWhoComesAtNightIsTold(t *testing.T) {
	clip := filepath.Join(testdata(t), "footage", "one-by-one-person-detection.mp4")
	frames := between(t, clip, 0, 24*time.Second) // the first person is there from 6.3 to 19.5 s
	for name, begin := range map[string]time.Duration{
		"day": 50 * time.Minute, "rain": 70 * time.Minute, "infrared": 200 * time.Minute, "infrared and rain": 310 * time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t, frames[0], nightly)
			n.at = begin - 30*time.Second
			n.watch(t, begin)
			require.Empty(t, n.events)
			for _, f := range frames {
				n.handle(t, n.sky.Over(f, begin+f.Offset))
			}
			n.at = begin + 25*time.Second
			n.watch(t, n.at+20*time.Second)
			n.restart(t)
			require.NotEmpty(t, n.events, "the person is told")
			for _, e := range n.events {
				require.Contains(t, e.Labels, "person")
			}
		})
	}
}

// night is a camera in the weather.
type night struct {
	sky    *weather.Sky
	eye    pipeline.Detector
	line   *pipeline.Pipeline
	state  string // file
	at     time.Duration
	sum    pipeline.Stats // of the pipelines before this one
	sweeps int
	passed bool // headlights, in the frame before
	events []event.Event
}

func newNight(t *testing.T, base *event.Frame, effects weather.Effect) *night {
	t.Helper()
	n := &night{sky: weather.New(base, 7, effects), eye: eye(t), state: filepath.Join(t.TempDir(), "state.json")}
	n.open()
	return n
}

func (n *night) open() {
	n.line = pipeline.New(pipeline.Config{
		Camera: "home.night", Settings: config.CameraDefaults(), Detector: n.eye, Sink: n, Model: model, MinScore: minScore,
		StateFile: n.state, Log: slog.New(slog.DiscardHandler),
	})
}

// restart ends the camera's program and starts it again.
func (n *night) restart(t *testing.T) {
	t.Helper()
	require.NoError(t, n.line.Close(t.Context()))
	s := n.line.Stats()
	n.sum.Frames, n.sum.Looks, n.sum.Inferences = n.sum.Frames+s.Frames, n.sum.Looks+s.Looks, n.sum.Inferences+s.Inferences
	n.open()
}

// What capture delivers of a camera: all that is asked for while something
// moves or its packets grow, keyframes while it rests (capture.Attention).
const (
	awake     = 200 * time.Millisecond
	keyframes = 4 * time.Second
	staysUp   = 3 * time.Second // after a disturbance
)

func (n *night) watch(t *testing.T, until time.Duration) {
	t.Helper()
	for n.at < until {
		n.handle(t, n.sky.Frame(n.at))
		step := keyframes
		if n.line.Busy() || n.disturbed() {
			step = awake
		}
		n.at += step
	}
}

func (n *night) handle(t *testing.T, f *event.Frame) {
	t.Helper()
	passing := n.sky.Sweep(f.Offset)
	if passing && !n.passed {
		n.sweeps++
	}
	n.passed = passing
	known := len(n.events)
	require.NoError(t, n.line.Handle(t.Context(), f))
	for _, e := range n.events[known:] {
		keep(t, f, fmt.Sprintf("event-%s", f.Offset))
		t.Logf("at %v: event %v %v, box %.3f, score %.2f", f.Offset, e.State, e.Labels, e.Box, e.Score)
	}
}

// disturbed says whether the picture changes so much now that its packets
// wake a resting camera, or did a moment ago. It is also awake for the first
// seconds of every minute in the rain.
func (n *night) disturbed() bool {
	for since := -keyframes; since <= staysUp; since += time.Second {
		if at := n.at - since; at >= 0 && n.sky.Sweep(at) {
			return true
		}
	}
	for _, e := range []weather.Effect{weather.Infrared, weather.Rain} {
		for _, s := range e.Spans() {
			for _, edge := range []time.Duration{s.From, s.To} {
				if since := n.at - edge; since >= -keyframes && since < 5*staysUp {
					return true
				}
			}
			if e == weather.Rain && n.at >= s.From && n.at < s.To && n.at%time.Minute < 2*staysUp {
				return true
			}
		}
	}
	return n.at < staysUp
}

// Publish implements pipeline.Sink.
func (n *night) Publish(_ context.Context, e event.Event, _ []byte) error {
	n.events = append(n.events, e)
	return nil
}

// keep writes a frame to where go test -artifacts keeps what helps to find a fault.
func keep(t *testing.T, f *event.Frame, name string) {
	t.Helper()
	picture, err := pipeline.Thumbnail(f)
	require.NoError(t, err)
	assert.NoError(t, os.WriteFile(filepath.Join(t.ArtifactDir(), name+".jpg"), picture, 0o600))
}
