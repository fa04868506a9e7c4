//go:build cgo

package track_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture"
	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/track"
	"porchlight/internal/vision"
	"porchlight/models"
)

// told is what a tracker said of one id on a clip.
type told struct {
	track.Track           // the last that was said while it was seen
	first, last   float64 // seconds at which it was seen and true
	proved, moved float64 // seconds from when it was first seen
}

// follow runs the detector and a tracker over the first seconds of a clip,
// five frames of each, and returns what was said of the tracks that proved true.
func follow(t *testing.T, clip string, seconds float64) map[int64]*told {
	t.Helper()
	data := os.Getenv("PORCHLIGHT_TESTDATA")
	if data == "" {
		t.Skip("PORCHLIGHT_TESTDATA is not set: no footage")
	}
	store, err := modelstore.New(modelstore.Config{Dir: filepath.Join(data, "models"), Manifest: models.Manifest()})
	require.NoError(t, err)
	detector, err := vision.Open(store, "yolox-nano", 0.2)
	require.NoError(t, err)
	defer detector.Close()
	tracker, out := track.New(track.Config{}), map[int64]*told{}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log := slog.New(slog.DiscardHandler)
	err = capture.Run(ctx, capture.Config{URL: filepath.Join(data, "footage", clip), FPS: 5, Pace: capture.FullSpeed, Log: log}, func(f *event.Frame) {
		at := f.Offset.Seconds()
		if at > seconds {
			stop()
			return
		}
		found, err := detector.Detect(t.Context(), f)
		require.NoError(t, err)
		for _, v := range tracker.Update(track.Sight{Frame: f, Looked: everywhere(), Found: found}) {
			if !v.True || !v.Seen {
				continue
			}
			o := out[v.ID]
			if o == nil {
				o = &told{first: at, proved: f.Time.Sub(v.FirstSeen).Seconds()}
				out[v.ID] = o
			}
			if o.moved == 0 && !v.MovedAt.IsZero() {
				o.moved = v.MovedAt.Sub(v.FirstSeen).Seconds()
			}
			o.Track, o.last = v, at
		}
	})
	require.NoError(t, err)
	return out
}

func ofLabel(all map[int64]*told, label string) (out []*told) {
	for id := int64(1); id < 1000; id++ {
		if v := all[id]; v != nil && v.Label == label {
			out = append(out, v)
		}
	}
	return out
}

// Six people come one at a time, as seen by eye.
func TestOneTrackForEachPerson(t *testing.T) {
	people := ofLabel(follow(t, "one-by-one-person-detection.mp4", 1e9), "person")
	for _, v := range people {
		t.Logf("%.1f..%.1f s, proved after %.1f s, moved after %.1f s", v.first, v.last, v.proved, v.moved)
	}
	require.Len(t, people, 6)
	for i, seen := range [][2]float64{{6.3, 19.5}, {22.9, 44.5}, {50.5, 69.5}, {74.7, 86.5}, {92.4, 119.5}, {123.7, 135.7}} {
		require.InDelta(t, seen[0], people[i].first, 1.5)
		require.InDelta(t, seen[1], people[i].last, 1)
		require.LessOrEqual(t, people[i].proved, 0.6)
		require.LessOrEqual(t, people[i].moved, 0.8)
	}
}

// Pedestrians walk past two parked cars and a post that looks like a person.
func TestWhatIsAtRestAmongPedestrians(t *testing.T) {
	all := follow(t, "vtest.avi", 20)
	vehicles := 0
	for _, v := range all {
		if event.Group(v.Label) == "vehicle" {
			vehicles++
			require.True(t, v.Stationary && v.Known && v.MovedAt.IsZero(), "%+v", v.Track)
		}
	}
	require.Equal(t, 2, vehicles)
	people := ofLabel(all, "person")
	t.Logf("%d tracks of 9 people", len(people))
	require.InDelta(t, 9, len(people), 2, "in the crowd, some change places")
	for _, v := range people {
		require.False(t, v.MovedAt.IsZero(), "the post moves, or passes for a person: %+v", v.Track)
		require.LessOrEqual(t, v.proved, 3.0)
	}
}

// Bottles stand and are taken away by hands, five of which the detector takes
// for persons, for a moment each. One does so with certainty.
func TestNoPersonAmongBottles(t *testing.T) {
	people := ofLabel(follow(t, "bottle-detection.mp4", 1e9), "person")
	for _, v := range people {
		t.Logf("%.1f..%.1f s, moved %v", v.first, v.last, !v.MovedAt.IsZero())
	}
	require.LessOrEqual(t, len(people), 1)
}
