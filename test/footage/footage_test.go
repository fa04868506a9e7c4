// Package footage runs the edge's whole chain, from file to events, over real
// clips and holds the events against what a person sees on them.
package footage

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture"
	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/pipeline"
	"porchlight/internal/vision"
	"porchlight/models"
)

// happening is one event a person would list, in seconds from the start.
type happening struct {
	label      string
	start, end float64
}

func TestEventsMatchWhatIsOnScreen(t *testing.T) {
	data := os.Getenv("PORCHLIGHT_TESTDATA")
	if data == "" {
		t.Skip("PORCHLIGHT_TESTDATA is not set: no footage")
	}
	// Seen by eye. Between the second and third, third and fourth, fourth and
	// fifth person the room is empty for longer than the quiet time; between
	// the others it is not, so they share an event.
	for clip, want := range map[string][]happening{
		"one-by-one-person-detection.mp4": {{"person", 6, 44}, {"person", 50.5, 68.5}, {"person", 74.5, 86.5}, {"person", 92, 135.5}},
		"vtest.avi":                       {{"person", 0, 79.4}},
	} {
		t.Run(clip, func(t *testing.T) {
			got, stats := run(t, filepath.Join(data, "footage", clip), filepath.Join(data, "models"))
			for _, e := range got {
				t.Logf("%v %.1f..%.1f s, told after %.1f s, box %.2f", e.labels, e.start, e.end, e.told-e.start, e.box)
			}
			t.Logf("%d frames, %d inferences", stats.Frames, stats.Inferences)
			require.Len(t, got, len(want))
			for i, e := range got {
				require.Contains(t, e.labels, want[i].label)
				require.InDelta(t, want[i].start, e.start, 1.5)
				require.InDelta(t, want[i].end, e.end, 1.5)
			}
		})
	}
}

type seen struct {
	id               string
	labels           map[string]float64
	start, end, told float64
	box              event.Box
}

type sink struct {
	origin time.Time
	last   map[string]*seen
	order  []*seen
}

func (s *sink) Publish(_ context.Context, e event.Event, _ []byte) error {
	at := func(t event.Time) float64 { return t.Sub(s.origin).Seconds() }
	v := s.last[e.EventID]
	if v == nil {
		v = &seen{id: e.EventID, start: at(e.StartedAt), told: at(e.UpdatedAt)}
		s.last[e.EventID], s.order = v, append(s.order, v)
	}
	v.labels, v.box = e.Labels, e.Box
	if e.EndedAt != nil {
		v.end = at(*e.EndedAt)
	}
	return nil
}

func run(t *testing.T, clip, modelDir string) ([]*seen, pipeline.Stats) {
	t.Helper()
	store, err := modelstore.New(modelstore.Config{Dir: modelDir, Manifest: models.Manifest()})
	require.NoError(t, err)
	detector, err := vision.Open(store, "yolox-nano", 0.5)
	require.NoError(t, err)
	defer detector.Close()
	out := &sink{last: map[string]*seen{}}
	line := pipeline.New(pipeline.Config{
		Camera: "home.clip", Detector: detector, Sink: out, Model: "yolox-nano",
		Settings: config.Camera{Labels: []string{"person"}, Quiet: 5 * time.Second}, MinScore: 0.5, Log: slog.New(slog.DiscardHandler),
	})
	err = capture.Run(t.Context(), capture.Config{
		Name: "home.clip", URL: clip, FPS: 5, MaxWidth: 1280, Pace: capture.FullSpeed, Log: slog.New(slog.DiscardHandler),
	}, func(f *event.Frame) {
		if out.origin.IsZero() {
			out.origin = f.Time.Add(-f.Offset)
		}
		require.NoError(t, line.Handle(t.Context(), f))
	})
	require.NoError(t, err)
	require.NoError(t, line.Close(t.Context()))
	return out.order, line.Stats()
}
