package truth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/test/footage/truth"
)

func TestTracksAt(t *testing.T) {
	tracks, err := truth.LoadTracks(files("", tracksFile), "a.mp4")
	require.NoError(t, err)
	person := func(x0, y0, x1, y1 float64) truth.Seen {
		return truth.Seen{ID: 3, Label: "person", Box: event.Box{X0: x0, Y0: y0, X1: x1, Y1: y1}}
	}
	dog := truth.Seen{ID: 7, Label: "dog", Box: event.Box{X0: 0.5, Y0: 0.5, X1: 0.6, Y1: 0.6}}
	for _, c := range []struct {
		name string
		at   float64
		want []truth.Seen
	}{
		{"before the first keyframe", 0.99, nil},
		{"at the first keyframe", 1, []truth.Seen{person(0.1, 0.2, 0.3, 0.4)}},
		{"between two", 1.5, []truth.Seen{person(0.15, 0.2, 0.4, 0.4)}},
		{"two objects", 2, []truth.Seen{person(0.2, 0.2, 0.5, 0.4), dog}},
		{"just before it goes", 2.9, []truth.Seen{person(0.2, 0.2, 0.5, 0.4)}},
		{"when it goes", 3, nil},
		{"while it is away", 4.9, nil},
		{"when it comes back", 5, []truth.Seen{person(0, 0, 0.1, 0.1)}},
		{"at the last keyframe", 6, []truth.Seen{person(0, 0, 0.1, 0.1)}},
		{"after the last keyframe", 6.01, nil},
		{"before the annotated part", -1, nil},
		{"after the annotated part", 21, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := tracks.At(c.at)
			require.Len(t, got, len(c.want))
			for i, w := range c.want {
				require.Equal(t, w.ID, got[i].ID)
				require.Equal(t, w.Label, got[i].Label)
				require.InDeltaSlice(t, corners(w.Box), corners(got[i].Box), 1e-12)
			}
		})
	}
}

func corners(b event.Box) []float64 { return []float64{b.X0, b.Y0, b.X1, b.Y1} }
