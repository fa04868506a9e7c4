package inspect

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/motion"
	"porchlight/internal/pipeline"
	"porchlight/internal/polygon"
	"porchlight/internal/track"
)

func box(x0, y0, x1, y1 float64) event.Box { return event.Box{X0: x0, Y0: y0, X1: x1, Y1: y1} }

func halves() config.Camera {
	return config.Camera{Zones: map[string]config.Zone{
		"left":  {Polygon: polygon.Polygon{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.5, Y: 1}, {X: 0, Y: 1}}},
		"right": {Polygon: polygon.Polygon{{X: 0.5, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0.5, Y: 1}}},
		"cars":  {Polygon: polygon.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}, Labels: []string{"car"}},
	}}
}

// show lets the notes see frames at five a second.
func show(n *notes, views ...*pipeline.View) {
	began := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for i, v := range views {
		v.Frame = &event.Frame{Sequence: int64(i), Time: began.Add(time.Duration(i) * time.Second / 5), Width: 64, Height: 48, Pix: make([]byte, 64*48*3)}
		n.frame(v.Frame)
		n.view(v)
	}
}

func TestWhatIsSeenIsToldByTrack(t *testing.T) {
	n := newNotes(Config{Settings: halves()})
	person := func(score, x float64, seen, sure bool) track.Track {
		return track.Track{ID: 7, Label: "person", Score: score, Box: box(x, .2, x+.2, .8), Seen: seen, True: sure}
	}
	show(n,
		&pipeline.View{Motion: motion.Result{Calibrating: true, Boxes: []event.Box{box(0, 0, 1, 1)}, Area: 1}},
		&pipeline.View{Regions: []event.Box{box(0, 0, 1, 1)}, Tracks: []track.Track{person(.6, .1, true, false)}},
		&pipeline.View{Regions: []event.Box{box(0, 0, 1, 1)}, Tracks: []track.Track{person(.9, .2, true, true), {ID: 8, Label: "car", Known: true, Seen: true, Box: box(.6, .1, .9, .4)}}},
		&pipeline.View{Tracks: []track.Track{person(.7, .6, true, true)}},
		&pipeline.View{Tracks: []track.Track{person(.99, .1, false, true)}},
	)
	r, err := n.conclude(nil, nil)
	require.NoError(t, err)
	require.Empty(t, r.Fault)
	require.Equal(t, []Object{
		{Track: 7, Label: "person", Score: .9, Box: box(.2, .2, .4, .8), Zones: []string{"left", "right"}, Frames: 3, State: "true"},
		{Track: 8, Label: "car", Box: box(.6, .1, .9, .4), Zones: []string{"cars", "right"}, Frames: 1, State: "known"},
	}, r.Objects)
	require.Equal(t, []int{64, 48, 5, 2, 1, 0}, []int{r.Width, r.Height, r.Frames, r.Looked, r.Settling, r.Moving})
	require.InDelta(t, 5, r.Rate, 1e-9)
	require.InDelta(t, 0.8, r.Seconds, 1e-9)
	require.EqualValues(t, 2, r.Picture.Sequence, "the picture with the surest objects")
	require.NotEqual(t, make([]byte, 64*48*3), r.Picture.Pix, "annotated")
}

func TestWhatIsIgnoredIsToldByPlace(t *testing.T) {
	n := newNotes(Config{})
	found := func(label string, score float64, b event.Box) event.Detection {
		return event.Detection{Label: label, Score: score, Box: b}
	}
	weak := func(d event.Detection, tracks ...track.Track) *pipeline.View {
		return &pipeline.View{Found: []event.Detection{d}, Tracks: tracks, Ignored: []pipeline.Ignored{{Detection: d, Reason: "too weak"}}}
	}
	here, there := box(.1, .1, .3, .3), box(.6, .6, .8, .8)
	show(n,
		&pipeline.View{Ignored: []pipeline.Ignored{{Detection: found("cat", .6, here), Reason: "in object mask 1"}}},
		&pipeline.View{Ignored: []pipeline.Ignored{
			{Detection: found("cat", .7, box(.11, .1, .31, .3)), Reason: "in object mask 2"}, {Detection: found("cat", .8, there), Reason: "too small"},
		}},
		weak(found("dog", .3, here)),
		// A weak sighting of what is followed counts.
		weak(found("dog", .3, there), track.Track{ID: 1, Label: "dog", Seen: true, True: true, Box: there}),
	)
	r, err := n.conclude(nil, nil)
	require.NoError(t, err)
	require.Equal(t, []Ignored{
		{Label: "cat", Score: .7, Box: box(.11, .1, .31, .3), Reason: "in object mask 2", Frames: 2},
		{Label: "cat", Score: .8, Box: there, Reason: "too small", Frames: 1},
		{Label: "dog", Score: .3, Box: here, Reason: "too weak", Frames: 1},
	}, r.Ignored)
}

func TestWhatMovesIsToldByPart(t *testing.T) {
	n := newNotes(Config{})
	tree, path := box(.7, 0, .9, .3), box(.1, .5, .3, .9)
	show(n,
		&pipeline.View{Motion: motion.Result{Boxes: []event.Box{tree, path}, Area: .2}},
		&pipeline.View{Motion: motion.Result{Boxes: []event.Box{box(.75, 0, .95, .3), box(.7, .1, .8, .2)}, Area: .1}},
	)
	r, err := n.conclude(nil, nil)
	require.NoError(t, err)
	require.Equal(t, 2, r.Moving)
	require.InDelta(t, .2, r.MostArea, 1e-9)
	require.Len(t, r.Motion, 2)
	require.Equal(t, []any{box(.7, 0, .95, .3), 2}, []any{r.Motion[0].Box, r.Motion[0].Frames})
	require.Equal(t, []any{path, 1}, []any{r.Motion[1].Box, r.Motion[1].Frames})
}

func TestNotesAreBounded(t *testing.T) {
	n := newNotes(Config{})
	for i := range 3 * mostNoted {
		x := float64(i) * 2
		show(n, &pipeline.View{
			Motion:  motion.Result{Boxes: []event.Box{box(x, 0, x+1, 1)}},
			Ignored: []pipeline.Ignored{{Detection: event.Detection{Label: "cat", Box: box(x, 0, x+1, 1)}}},
			Tracks:  []track.Track{{ID: int64(i), Seen: true}},
		})
	}
	r, err := n.conclude(nil, nil)
	require.NoError(t, err)
	require.Equal(t, []int{mostNoted, mostNoted, mostNoted}, []int{len(r.Objects), len(r.Ignored), len(r.Motion)})
}

func TestHowALookEnds(t *testing.T) {
	broken := errors.New("cable pulled")
	_, err := newNotes(Config{}).conclude(broken, nil)
	require.ErrorIs(t, err, broken)
	_, err = newNotes(Config{}).conclude(nil, nil)
	require.ErrorIs(t, err, ErrNoPicture)
	n := newNotes(Config{})
	show(n, &pipeline.View{})
	r, err := n.conclude(broken, nil)
	require.NoError(t, err, "what was seen until then is told")
	require.Contains(t, r.Fault, "cable pulled")
}
