package track_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/track"
)

// walk crosses the frame at 0.12 of its width a second, 1.5 widths of a person.
func walk(v *thing, from, speed float64) func(time.Duration) {
	return func(since time.Duration) { v.to(from + speed*since.Seconds()) }
}

func TestOneWalk(t *testing.T) {
	v := person(1, 0, 0.3)
	w := newWorld(v)
	score := w.play(t, track.New(track.Config{}), 7*time.Second, fiveASecond, walk(v, 0.05, 0.12))
	require.Zero(t, score.Switches)
	require.Zero(t, score.FalsePositives)
	require.Equal(t, 2, score.Misses, "it proves true at the third look, 0.4 s after the first")
}

func TestHardWalks(t *testing.T) {
	for name, spoil := range map[string]func(w *world, v *thing) func() time.Duration{
		"missed detections": func(w *world, _ *thing) func() time.Duration { w.missed = 0.3; return fiveASecond },
		"jittery boxes":     func(w *world, _ *thing) func() time.Duration { w.jitter = 0.08; return fiveASecond },
		"both": func(w *world, _ *thing) func() time.Duration {
			w.missed, w.jitter = 0.2, 0.05
			return fiveASecond
		},
		"irregular looks": func(w *world, _ *thing) func() time.Duration {
			return func() time.Duration {
				return time.Duration((0.1 + 1.9*w.rng.Float64()*w.rng.Float64()) * float64(time.Second))
			}
		},
		"ten looks a second": func(*world, *thing) func() time.Duration {
			return func() time.Duration { return 100 * time.Millisecond }
		},
		"one look a second": func(*world, *thing) func() time.Duration { return everySecond },
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range 10 {
				v := person(1, 0, 0.3)
				w := newWorld(v)
				for range seed {
					w.rng.Float64()
				}
				step := spoil(w, v)
				score := w.play(t, track.New(track.Config{}), 14*time.Second, step, walk(v, 0.02, 0.06))
				require.Zero(t, score.Switches, "seed %d", seed)
				require.Zero(t, score.FalsePositives, "seed %d", seed)
			}
		})
	}
}

func TestTwoPeopleCross(t *testing.T) {
	for name, y := range map[string]float64{"in line": 0.3, "one behind the other": 0.35} {
		t.Run(name, func(t *testing.T) {
			a, b := person(1, 0, 0.3), person(2, 0.9, y)
			w := newWorld(a, b)
			w.jitter = 0.02
			score := w.play(t, track.New(track.Config{}), 8*time.Second, fiveASecond, func(since time.Duration) {
				walk(a, 0, 0.12)(since)
				walk(b, 0.9, -0.12)(since)
			})
			require.Zero(t, score.Switches)
			require.Greater(t, score.IDF1, 0.9)
		})
	}
}

func TestFoundAgainAfterBeingHidden(t *testing.T) {
	v := person(1, 0, 0.3)
	w := newWorld(v)
	hidden := func(since time.Duration) {
		walk(v, 0, 0.1)(since)
		v.hidden = since >= 3*time.Second && since < 4500*time.Millisecond
	}
	score := w.play(t, track.New(track.Config{}), 8*time.Second, fiveASecond, hidden)
	require.Zero(t, score.Switches)
	require.Equal(t, 2, score.Misses)
}

func TestLowScoresContinueTracks(t *testing.T) {
	v := person(1, 0, 0.3)
	w, tracker := newWorld(v), track.New(track.Config{})
	score := w.play(t, tracker, 8*time.Second, fiveASecond, func(since time.Duration) {
		walk(v, 0, 0.1)(since)
		v.score = 0.8
		if since >= 2*time.Second && since < 6*time.Second {
			v.score = 0.3
		}
	})
	require.Zero(t, score.Switches)
	require.Equal(t, 2, score.Misses)
}

func TestLowScoresStartNothing(t *testing.T) {
	v := person(1, 0.4, 0.3)
	v.score = 0.45
	w, tracker := newWorld(v), track.New(track.Config{})
	for range 20 {
		require.Empty(t, w.look(tracker, fiveASecond()))
	}
	tracker = track.New(track.Config{ConfidentOf: map[string]float64{"person": 0.4}})
	require.Len(t, w.look(tracker, fiveASecond()), 1, "unless their label is an exception")
}

func TestVehiclesKeepTheirTrackWhenTheLabelFlickers(t *testing.T) {
	v := car(1, 0, 0.5)
	w, tracker := newWorld(v), track.New(track.Config{})
	labels := []string{"car", "truck", "car", "bus", "car"}
	look := 0
	score := w.play(t, tracker, 6*time.Second, fiveASecond, func(since time.Duration) {
		walk(v, 0, 0.12)(since)
		v.label = labels[look%len(labels)]
		look++
	})
	require.Zero(t, score.Switches)
	tracks := w.look(tracker, 0)
	require.Len(t, tracks, 1)
	require.Equal(t, "car", tracks[0].Label)
}

func TestOtherLabelsAreOtherObjects(t *testing.T) {
	dog := &thing{id: 1, label: "dog", score: 0.8, box: event.Box{X0: 0.4, Y0: 0.4, X1: 0.6, Y1: 0.6}}
	w, tracker := newWorld(dog), track.New(track.Config{})
	w.look(tracker, fiveASecond())
	dog.label = "cat"
	require.Len(t, w.look(tracker, 0), 2)
}

// A detector may tell of one object twice in a look: with two labels of one
// group, or with two boxes.
func TestDoublesAreOneObject(t *testing.T) {
	tracker := track.New(track.Config{})
	var tracks []track.Track
	for i := range 20 {
		at := noon.Add(time.Duration(i) * fiveASecond())
		found := []event.Detection{
			{Label: "car", Score: 0.7, Box: event.Box{X0: 0.2, Y0: 0.2, X1: 0.4, Y1: 0.4}},
			{Label: "truck", Score: 0.8, Box: event.Box{X0: 0.2, Y0: 0.2, X1: 0.41, Y1: 0.4}},
		}
		if i%5 == 2 {
			found = append(found, event.Detection{Label: "car", Score: 0.6, Box: event.Box{X0: 0.21, Y0: 0.21, X1: 0.4, Y1: 0.41}})
		}
		tracks = tracker.Update(track.Sight{Frame: &event.Frame{Time: at}, Looked: everywhere(), Found: found})
	}
	require.Len(t, tracks, 1)
	require.Equal(t, "truck", tracks[0].Label)
	require.Equal(t, 20, tracks[0].Hits)
}

func TestProof(t *testing.T) {
	for name, c := range map[string]struct {
		scores []float64 // 0: missed
		speed  float64   // in widths of a person per look
		after  int       // looks until it proves true; 0: never
		height float64   // of the frame; 0: 0.4
	}{
		"a clear person at the door":        {[]float64{0.8, 0.85, 0.8, 0.8, 0.8}, 0.3, 3, 0.6},
		"an unclear person at the door":     {[]float64{0.62, 0.6, 0.65, 0.61, 0.6, 0.62, 0.62, 0.62, 0.62}, 0.3, 8, 0.6},
		"an arm that reaches into the view": {[]float64{0.62, 0.6, 0.65, 0.61, 0.6, 0, 0, 0}, 0.3, 0, 0.6},
		"a clear person that walks":         {[]float64{0.8, 0.85, 0.8, 0.8, 0.8}, 0.3, 3, 0},
		"a clear person that stands":        {[]float64{0.8, 0.85, 0.8, 0.8, 0.8}, 0, 3, 0},
		"an unclear person that walks":      {[]float64{0.62, 0.6, 0.65, 0.61, 0.6}, 0.3, 3, 0},
		"a post":                            {[]float64{0.55, 0.62, 0.66, 0.58, 0.6, 0.61, 0.62, 0.6, 0.55, 0.6, 0.6}, 0, 0, 0},
		"a reflection":                      {[]float64{0.9, 0.9, 0, 0, 0, 0}, 0.3, 0, 0},
		"a person often missed":             {[]float64{0.8, 0, 0.8, 0, 0.8, 0.8}, 0.3, 5, 0},
		"shadows that sway in low score":    {[]float64{0.52, 0.55, 0.5, 0.52, 0.55, 0.5, 0.51, 0.54}, 0.3, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			v := person(1, 0.1, 0.3)
			if c.height > 0 {
				v.box.Y1 = v.box.Y0 + c.height
			}
			w, tracker := newWorld(v), track.New(track.Config{})
			after := 0
			for i, score := range c.scores {
				v.score, v.unseen = score, score == 0
				v.to(0.1 + float64(i)*c.speed*0.08)
				for _, told := range w.look(tracker, fiveASecond()) {
					if told.True && after == 0 {
						after = i + 1
					}
				}
			}
			require.Equal(t, c.after, after)
		})
	}
}

func TestPredictionsComeToRest(t *testing.T) {
	v := person(1, 0, 0.3)
	w, tracker := newWorld(v), track.New(track.Config{})
	for i := range 10 {
		v.to(0.02 * float64(i))
		w.look(tracker, fiveASecond())
	}
	last := w.at.Add(-fiveASecond())
	soon := tracker.Predict(last.Add(400 * time.Millisecond))[0].Box
	require.InDelta(t, v.box.X0+0.04, soon.X0, 0.01, "it goes on for a while")
	late := tracker.Predict(last.Add(time.Hour))[0].Box
	require.Less(t, late.X0, v.box.X0+0.2, "but not for ever")
	require.Greater(t, late.X0, soon.X0)
	require.InDelta(t, 0.08, late.Width(), 0.01)
	require.InDelta(t, 0.4, late.Height(), 0.04)
	require.Equal(t, v.box, tracker.Predict(last)[0].Box)
}

func TestWhatIsNotLookedAtIsNotMissing(t *testing.T) {
	still, walker := car(1, 0.1, 0.6), person(2, 0.5, 0.2)
	w, tracker := newWorld(still, walker), track.New(track.Config{})
	for i := range 20 {
		walker.to(0.5 + 0.01*float64(i))
		w.look(tracker, fiveASecond())
	}
	elsewhere := []event.Box{{X0: 0.9, Y0: 0, X1: 1, Y1: 0.1}}
	update := func(after time.Duration, looked []event.Box) []track.Track {
		w.at = w.at.Add(after)
		return tracker.Update(track.Sight{Frame: w.frame(), Looked: looked})
	}
	require.Len(t, update(2*time.Second, elsewhere), 2)
	tracks := update(2*time.Second, elsewhere)
	require.Len(t, tracks, 1, "what moves is lost when it has not been seen for long")
	require.Equal(t, "car", tracks[0].Label)
	require.Len(t, update(24*time.Hour, elsewhere), 1, "what rests waits until it is looked for")

	still.hidden = true
	tracks = nil
	for range 40 {
		tracks = update(time.Second, everywhere())
	}
	require.Empty(t, tracks)
}
