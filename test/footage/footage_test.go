// Package footage runs the edge's whole chain, from file to events, over real
// clips and holds the events against what a person sees on them, as written
// down in annotations.
package footage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"porchlight/internal/capture"
	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/pipeline"
	"porchlight/internal/vision"
	"porchlight/models"
	"porchlight/test/footage/truth"
)

const (
	model    = "yolox-nano"
	minScore = 0.5
	// enough of the events must be right, and enough of the happenings told.
	enough = 0.95
)

// TestEventsMatchWhatIsOnScreen plays each annotated clip once. One clip alone:
//
//	go test ./test/footage -v -run 'TestEventsMatchWhatIsOnScreen/^vtest.avi$'
func TestEventsMatchWhatIsOnScreen(t *testing.T) {
	data := os.Getenv("PORCHLIGHT_TESTDATA")
	if data == "" {
		t.Skip("PORCHLIGHT_TESTDATA is not set: no footage")
	}
	annotations := os.DirFS("annotations")
	clips, err := truth.Clips(annotations)
	require.NoError(t, err)

	var total tally
	t.Cleanup(func() { total.judge(t) })
	for _, name := range clips {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clip, err := truth.LoadClip(annotations, name)
			require.NoError(t, err)
			seen, stats := play(t, filepath.Join(data, "footage", name), filepath.Join(data, "models"))
			result := clip.Score(events(t, seen))
			for _, s := range seen {
				t.Logf("event from %.1f s, told after %.1f s, box %.2f", s.start, s.told-s.start, s.box)
			}
			t.Logf("%d frames, %d inferences\n%s", stats.Frames, stats.Inferences, result.Details())
			total.add(name, result)
		})
	}
}

// tally of all clips that were played.
type tally struct {
	mu    sync.Mutex
	clips map[string]truth.Counts
}

func (s *tally) add(clip string, r truth.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clips == nil {
		s.clips = map[string]truth.Counts{}
	}
	s.clips[clip] = r.Counts()
}

func (s *tally) judge(t *testing.T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all truth.Counts
	table := ""
	for _, clip := range slices.Sorted(maps.Keys(s.clips)) {
		table += row(clip, s.clips[clip])
		all = all.Plus(s.clips[clip])
	}
	t.Logf("told missed extra precision recall\n%s%s", table, row("all clips", all))
	assert.GreaterOrEqual(t, all.Precision(), enough, "the part of the events that are right")
	assert.GreaterOrEqual(t, all.Recall(), enough, "the part of the happenings that were told")
}

func row(name string, c truth.Counts) string {
	return fmt.Sprintf("%4d %6d %5d %9.3f %6.3f  %s\n", c.Matched, c.Missed, c.Extra, c.Precision(), c.Recall(), name)
}

// seen is one event as it was published; times are seconds of the clip.
type seen struct {
	labels           map[string]float64
	start, end, told float64
	ended            bool
	box              event.Box
}

func events(t *testing.T, all []*seen) []truth.Event {
	t.Helper()
	var out []truth.Event
	for _, s := range all {
		require.True(t, s.ended, "the event from %.1f s has ended when the clip has", s.start)
		out = append(out, truth.Event{Labels: slices.Collect(maps.Keys(s.labels)), Start: s.start, End: s.end})
	}
	return out
}

// sink keeps the last state of each event, in order of their beginning.
type sink struct {
	origin time.Time
	last   map[string]*seen
	order  []*seen
}

func (s *sink) Publish(_ context.Context, e event.Event, _ []byte) error {
	at := func(t event.Time) float64 { return t.Sub(s.origin).Seconds() }
	v := s.last[e.EventID]
	if v == nil {
		v = &seen{start: at(e.StartedAt), told: at(e.UpdatedAt)}
		s.last[e.EventID], s.order = v, append(s.order, v)
	}
	v.labels, v.box = e.Labels, e.Box
	if e.EndedAt != nil {
		v.end, v.ended = at(*e.EndedAt), true
	}
	return nil
}

// settingsOf returns what the owner of a camera with this view would set: most
// leave everything as it is.
func settingsOf(t *testing.T, clip string) config.Camera {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("settings", clip+".yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		return config.CameraDefaults()
	}
	require.NoError(t, err)
	settings, err := config.ParseCamera(data)
	require.NoError(t, err)
	return settings
}

// play runs a clip through capture and pipeline as a camera with the default
// settings would, but as fast as it goes.
func play(t *testing.T, clip, modelDir string) ([]*seen, pipeline.Stats) {
	t.Helper()
	store, err := modelstore.New(modelstore.Config{Dir: modelDir, Manifest: models.Manifest()})
	require.NoError(t, err)
	detector, err := vision.Open(store, model, pipeline.WeakScore)
	require.NoError(t, err)
	defer detector.Close()
	settings, log := settingsOf(t, filepath.Base(clip)), slog.New(slog.DiscardHandler)
	out := &sink{last: map[string]*seen{}}
	line := pipeline.New(pipeline.Config{
		Camera: "home.clip", Settings: settings, Detector: detector, Input: detector.Input(), Sink: out, Model: model, MinScore: minScore, Log: log,
	})
	err = capture.Run(t.Context(), capture.Config{
		Name: "home.clip", URL: clip, FPS: settings.FPS, MaxWidth: settings.MaxWidth, Pace: capture.FullSpeed, Log: log,
	}, func(f *event.Frame) {
		if out.origin.IsZero() {
			out.origin = f.Time.Add(-f.Offset)
		}
		assert.NoError(t, line.Handle(t.Context(), f))
	})
	require.NoError(t, err)
	require.NoError(t, line.Close(t.Context()))
	return out.order, line.Stats()
}
