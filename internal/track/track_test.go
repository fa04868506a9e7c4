package track_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"porchlight/internal/event"
	"porchlight/internal/track"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(frame int) time.Time { return start.Add(time.Duration(frame) * 200 * time.Millisecond) }

func person(x float64) event.Detection {
	return event.Detection{Label: "person", Score: 0.8, Box: event.Box{X0: x, Y0: 0.3, X1: x + 0.1, Y1: 0.7}}
}

func TestConfirmsAfterThreeSightings(t *testing.T) {
	tr := track.New(track.Config{})
	require.Empty(t, tr.Update(at(0), []event.Detection{person(0.1)}))
	require.Empty(t, tr.Update(at(1), []event.Detection{person(0.12)}))
	got := tr.Update(at(2), []event.Detection{person(0.14)})
	require.Len(t, got, 1)
	require.Equal(t, 3, got[0].Hits)
	require.Equal(t, at(0), got[0].FirstSeen)
}

func TestTwoPeoplePassWithoutSwapping(t *testing.T) {
	tr := track.New(track.Config{})
	rowOf := map[int64]float64{}
	for f := range 40 {
		a, b := person(0.02*float64(f)), person(0.9-0.02*float64(f))
		b.Box.Y0, b.Box.Y1 = 0.1, 0.5
		for _, got := range tr.Update(at(f), []event.Detection{b, a}) {
			row, known := rowOf[got.ID]
			if !known {
				rowOf[got.ID] = got.Box.Y0
			} else {
				require.Equal(t, row, got.Box.Y0, "frame %d", f)
			}
		}
	}
	require.Len(t, rowOf, 2)
}

func TestLabelsAreNotMixed(t *testing.T) {
	tr := track.New(track.Config{})
	for f := range 6 {
		d := person(0.3)
		if f%2 == 1 {
			d.Label = "dog"
		}
		for _, got := range tr.Update(at(f), []event.Detection{d}) {
			require.LessOrEqual(t, got.Hits, 3)
		}
	}
}

func TestForgetsAfterTheGap(t *testing.T) {
	tr := track.New(track.Config{})
	for f := range 3 {
		tr.Update(at(f), []event.Detection{person(0.5)})
	}
	require.True(t, tr.Live())
	tr.Update(at(8), nil)
	require.True(t, tr.Live())
	tr.Update(at(20), nil)
	require.False(t, tr.Live())
}

func TestKnowsRestFromMovement(t *testing.T) {
	tr := track.New(track.Config{})
	var got []track.Track
	for f := range 50 {
		jitter := 0.004 * float64(f%3)
		got = tr.Update(at(f), []event.Detection{person(0.5 + jitter)})
	}
	require.Zero(t, got[0].MovedAt, "jitter is not movement")
	for f := 50; f < 55; f++ {
		got = tr.Update(at(f), []event.Detection{person(0.5 + 0.02*float64(f-49))})
	}
	require.NotZero(t, got[0].MovedAt)
}

func TestAnyInputKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := track.New(track.Config{})
		unit := rapid.Float64Range(-0.5, 1.5)
		for f := range rapid.IntRange(1, 30).Draw(t, "frames") {
			var detections []event.Detection
			for range rapid.IntRange(0, 6).Draw(t, "boxes") {
				detections = append(detections, event.Detection{
					Label: rapid.SampledFrom([]string{"person", "dog"}).Draw(t, "label"),
					Box:   event.Box{X0: unit.Draw(t, "x0"), Y0: unit.Draw(t, "y0"), X1: unit.Draw(t, "x1"), Y1: unit.Draw(t, "y1")},
				})
			}
			got := tr.Update(at(f), detections)
			if len(got) > len(detections) {
				t.Fatalf("%d tracks from %d boxes", len(got), len(detections))
			}
			ids := map[int64]bool{}
			for _, g := range got {
				if ids[g.ID] {
					t.Fatalf("track %d twice", g.ID)
				}
				ids[g.ID] = true
			}
		}
	})
}

func BenchmarkUpdate(b *testing.B) {
	tr := track.New(track.Config{})
	var detections []event.Detection
	for i := range 10 {
		detections = append(detections, person(0.09*float64(i)))
	}
	b.ReportAllocs()
	for f := range b.N {
		tr.Update(at(f), detections)
	}
}
