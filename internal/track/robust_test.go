package track_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/track"
)

func TestBoxesThatAreNone(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	var found []event.Detection
	for _, b := range []event.Box{
		{}, {X0: 0.5, Y0: 0.5, X1: 0.5, Y1: 0.9}, {X0: 0.9, Y0: 0.9, X1: 0.1, Y1: 0.1}, {X0: nan, X1: 1, Y1: 1},
		{X1: inf, Y1: inf}, {X0: -inf, X1: 1, Y1: 1}, {X0: 2, Y0: 2, X1: 3, Y1: 3}, {X0: -3, Y0: -3, X1: -2, Y1: -2},
	} {
		found = append(found, event.Detection{Label: "person", Score: 0.9, Box: b})
	}
	fine := event.Box{X0: 0.1, Y0: 0.1, X1: 0.2, Y1: 0.4}
	found = append(found, event.Detection{Label: "person", Score: nan, Box: fine}, event.Detection{Label: "person", Score: -1, Box: fine})
	tracker := track.New(track.Config{})
	for range 5 {
		require.Empty(t, tracker.Update(track.Sight{Frame: &event.Frame{Time: noon}, Looked: everywhere(), Found: found}))
	}
	found = append(found, event.Detection{Label: "person", Score: inf, Box: event.Box{X0: -5, Y0: 0.1, X1: 0.2, Y1: 7}})
	tracks := tracker.Update(track.Sight{Frame: &event.Frame{Time: noon}, Looked: everywhere(), Found: found})
	require.Len(t, tracks, 1)
	require.Equal(t, event.Box{X0: 0, Y0: 0.1, X1: 0.2, Y1: 1}, tracks[0].Box)
	require.Equal(t, 1.0, tracks[0].Score)
}

func TestThousandDetections(t *testing.T) {
	tracker := track.New(track.Config{})
	for look := range 10 {
		var found []event.Detection
		for i := range 1000 {
			x, y := float64(i%40)/40, float64(i/40)/25
			found = append(found, event.Detection{
				Label: "person", Score: 0.9 - 0.0001*float64((i*7+look*13)%1000),
				Box: event.Box{X0: x, Y0: y, X1: x + 0.02, Y1: y + 0.03},
			})
		}
		at := noon.Add(time.Duration(look) * fiveASecond())
		require.LessOrEqual(t, len(tracker.Update(track.Sight{Frame: &event.Frame{Time: at}, Looked: everywhere(), Found: found})), 200)
	}
	data, err := tracker.Save()
	require.NoError(t, err)
	require.NoError(t, track.New(track.Config{}).Restore(data))
}

func TestClockThatStandsStillOrGoesBack(t *testing.T) {
	v := person(1, 0, 0.3)
	w, tracker := newWorld(v), track.New(track.Config{})
	step := func(next time.Duration) []track.Track {
		v.to(v.box.X0 + 0.01)
		return w.look(tracker, next)
	}
	for range 10 {
		step(fiveASecond())
	}
	for _, next := range []time.Duration{0, 0, -time.Second, fiveASecond(), 0, -time.Hour, fiveASecond()} {
		tracks := step(next)
		require.Len(t, tracks, 1)
		require.Equal(t, int64(1), tracks[0].ID)
	}
	w.at = w.at.Add(-time.Second) // the look after the hour was set back
	for range 10 {
		tracks := step(fiveASecond())
		require.Equal(t, int64(1), tracks[0].ID)
		require.True(t, tracks[0].Seen)
		require.False(t, tracks[0].LastSeen.After(w.at.Add(2*time.Second)), "times follow the clock")
	}
	v.hidden = true
	var tracks []track.Track
	for range 30 {
		tracks = step(fiveASecond())
	}
	require.Empty(t, tracks, "and so does forgetting")
}

func TestFramesWithoutPixels(t *testing.T) {
	found := []event.Detection{{Label: "car", Score: 0.9, Box: event.Box{X0: 0.1, Y0: 0.1, X1: 0.4, Y1: 0.3}}}
	tracker := track.New(track.Config{})
	for i := range 300 {
		f := &event.Frame{Time: noon.Add(time.Duration(i) * fiveASecond()), Width: 640, Height: 360, Pix: make([]byte, i)}
		switch i % 4 {
		case 1:
			f.Width, f.Height = -1, math.MaxInt
		case 2:
			f.Width, f.Height = math.MaxInt, math.MaxInt
		case 3:
			f = nil
		}
		require.Len(t, tracker.Update(track.Sight{Frame: f, Looked: everywhere(), Found: found}), 1)
	}
}

func FuzzUpdate(f *testing.F) {
	f.Add([]byte("a walk of nobody in particular, seen now and then, here and there"))
	pix := make([]byte, 64*36*3)
	for i := range pix {
		pix[i] = byte(i * 7)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tracker := track.New(track.Config{MaxTrack: 20})
		next := func() float64 { // -0.25..1.75, and now and then no number
			if len(data) == 0 {
				return 0
			}
			v := data[0]
			data = data[1:]
			if v == 255 {
				return math.NaN()
			}
			return float64(v)/127 - 0.25
		}
		at := noon
		for len(data) > 0 {
			if step := next(); !math.IsNaN(step) {
				at = at.Add(time.Duration(step * 1e9))
			}
			if len(data) >= 2 && data[0] == 254 {
				at = at.Add(time.Duration(int8(data[1])) * time.Hour)
			}
			s := track.Sight{Frame: &event.Frame{Time: at, Width: 64, Height: 36, Pix: pix}, Looked: everywhere()}
			for range 3 {
				label := []string{"person", "car", "truck"}[int(next()*10+10)%3&1]
				x, y := next(), next()
				s.Found = append(s.Found, event.Detection{Label: label, Score: next(), Box: event.Box{X0: x, Y0: y, X1: x + next(), Y1: y + next()}})
			}
			ids := map[int64]bool{}
			for _, v := range append(tracker.Update(s), tracker.Predict(at.Add(time.Second))...) {
				require.True(t, v.Box.X0 >= 0 && v.Box.Y0 >= 0 && v.Box.X1 <= 1 && v.Box.Y1 <= 1 && v.Box.Area() > 0, "%+v", v)
				ids[v.ID] = true
			}
			require.LessOrEqual(t, len(ids), 20)
		}
		saved, err := tracker.Save()
		require.NoError(t, err)
		require.NoError(t, track.New(track.Config{}).Restore(saved), "%s", saved)
	})
}
