package pipeline

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/motion"
	"porchlight/internal/polygon"
	"porchlight/internal/track"
)

type noFaces struct{}

func (noFaces) Faces(context.Context, *event.Frame) ([]face.Face, error) { return nil, nil }

// A new track in every frame, for an hour: what is known of tracks is
// forgotten with them.
func TestTracksAreForgotten(t *testing.T) {
	all := polygon.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}
	zones := newZoneWatch(map[string]config.Zone{"all": {Polygon: all}})
	faces := newFaceWatch(noFaces{}, nil, config.Faces{MinSize: 1})
	active := newActivity(false)
	var seen ghosts
	f := &event.Frame{Width: 8, Height: 8, Pix: make([]byte, 8*8*3), Time: time.Unix(0, 0)}
	for i := range 18_000 {
		f.Time = f.Time.Add(200 * time.Millisecond)
		box := event.Box{X0: 0.1, Y0: 0.1, X1: 0.6 + float64(i%30)/100, Y1: 0.9}
		tracks := []track.Track{{ID: int64(i), Label: "person", Box: box, Score: 0.9, Seen: true, True: true, FirstSeen: f.Time, LastSeen: f.Time}}
		zones.observe(f.Time, tracks)
		_, err := faces.observe(t.Context(), f, tracks)
		require.NoError(t, err)
		active.observe(&View{Frame: f, Tracks: tracks, Motion: motion.Result{Boxes: seen.moving(f.Time, []event.Box{box})}})
	}
	const minute = 60 * 5
	require.LessOrEqual(t, len(zones.seen), minute+1)
	require.LessOrEqual(t, len(active.objects), minute+1)
	require.LessOrEqual(t, len(active.trail.marks), 16)
	require.LessOrEqual(t, len(faces.persons), 1)
	require.LessOrEqual(t, len(seen.seen), 64)
}

func TestWorth(t *testing.T) {
	plain := worth{score: 0.8, area: 0.1}
	for name, c := range map[string]struct {
		w, best worth
		want    bool
	}{
		"the first":                 {plain, worth{}, true},
		"the same":                  {plain, plain, false},
		"a whole one":               {worth{score: 0.5, area: 0.01}, worth{score: 0.9, area: 0.2, cut: true}, true},
		"one that is cut":           {worth{score: 0.9, area: 0.2, cut: true}, plain, false},
		"one that is cut, a face":   {worth{score: 0.9, area: 0.2, face: 0.9, cut: true}, plain, false},
		"a face":                    {worth{score: 0.5, area: 0.01, face: 0.3}, worth{score: 0.9, area: 0.25}, true},
		"no face":                   {worth{score: 0.9, area: 0.25}, worth{score: 0.5, area: 0.01, face: 0.3}, false},
		"a face a little better":    {worth{score: 0.9, area: 0.25, face: 0.56}, worth{score: 0.5, area: 0.01, face: 0.5}, false},
		"a better face":             {worth{score: 0.5, area: 0.01, face: 0.6}, worth{score: 0.9, area: 0.25, face: 0.5}, true},
		"a little larger":           {worth{score: 0.8, area: 0.13}, plain, false},
		"larger":                    {worth{score: 0.8, area: 0.14}, plain, true},
		"a better score":            {worth{score: 0.95, area: 0.1}, plain, true},
		"larger than a quarter":     {worth{score: 0.8, area: 0.9}, worth{score: 0.8, area: 0.26}, false},
		"a cut one larger than one": {worth{score: 0.8, area: 0.14, cut: true}, worth{score: 0.8, area: 0.1, cut: true}, true},
	} {
		require.Equal(t, c.want, c.w.beats(c.best), name)
	}
}
