package track_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/track"
)

// A car is parked while its camera looks, now and then, for twelve hours: a
// detector that jitters, misses and wavers, clouds, night, lamps and people
// passing by are no movement.
func TestParkedForTwelveHours(t *testing.T) {
	parked := car(1, 0.3, 0.5)
	passer := person(2, 0, 0.35)
	w, tracker := newWorld(parked, passer), track.New(track.Config{})
	w.jitter, w.missed = 0.04, 0.15
	id, end := int64(0), w.at.Add(12*time.Hour)
	for looks := 0; w.at.Before(end); looks++ {
		hour := w.at.Sub(noon).Hours()
		w.gain, w.offset = 1, 0
		switch {
		case hour > 6: // infrared
			w.gain, w.offset = 0.5, 60
		case int(hour*10)%2 == 0: // clouds
			w.gain = 0.6 + 0.4*w.rng.Float64()
		}
		passer.hidden = looks%200 > 40
		passer.to(float64(looks%200) / 40)
		parked.score = 0.5 + 0.3*w.rng.Float64()
		if looks%7 == 0 {
			parked.score = 0.3
		}
		step := time.Duration((0.2 + 30*w.rng.Float64()*w.rng.Float64()) * float64(time.Second))
		for _, v := range w.look(tracker, step) {
			if v.Label == "car" {
				if id == 0 {
					id = v.ID
				}
				require.Equal(t, id, v.ID, "at %v", w.at)
				require.True(t, v.MovedAt.IsZero(), "at %v: %+v", w.at, v)
			}
		}
	}
	tracks := w.look(tracker, 0)
	require.True(t, byID(t, tracks, id).Stationary)
	require.True(t, byID(t, tracks, id).Known)
	require.Empty(t, tracker.Changes())
}

// settled shows things at rest for a time.
func settled(t *testing.T, tracker *track.Tracker, w *world, lasting time.Duration) []track.Track {
	t.Helper()
	var tracks []track.Track
	for end := w.at.Add(lasting); w.at.Before(end); {
		tracks = w.look(tracker, fiveASecond())
	}
	return tracks
}

func TestParkedCarDrivesAway(t *testing.T) {
	parked := car(1, 0.1, 0.5)
	w, tracker := newWorld(parked), track.New(track.Config{})
	w.jitter = 0.02
	tracks := settled(t, tracker, w, 15*time.Second)
	require.True(t, tracks[0].Stationary)
	require.True(t, tracks[0].Known)
	require.True(t, tracks[0].MovedAt.IsZero())

	start := w.at
	var active time.Duration
	for i := range 25 {
		since := 0.2 * float64(i)
		parked.to(0.1 + min(0.15*since*since, 0.12*since+0.05)) // it speeds up
		v := byID(t, w.look(tracker, fiveASecond()), 1)
		if !v.MovedAt.IsZero() && active == 0 {
			active = v.MovedAt.Sub(start)
			require.False(t, v.Stationary)
			require.False(t, v.Known)
		}
	}
	require.NotZero(t, active)
	require.LessOrEqual(t, active, 1200*time.Millisecond, "within a second of its first centimeters")

	parked.hidden = true
	settled(t, tracker, w, 5*time.Second)
	changes := tracker.Changes()
	require.Len(t, changes, 1)
	require.Equal(t, track.Removed, changes[0].Kind)
	require.Equal(t, "car", changes[0].Label)
	require.InDelta(t, 0.1, changes[0].Box.X0, 0.02, "where it was parked")
	require.Empty(t, tracker.Changes())
}

func TestArrivedCarBecomesStationary(t *testing.T) {
	v := car(1, 0, 0.5)
	w, tracker := newWorld(v), track.New(track.Config{})
	w.jitter = 0.01
	v.hidden = true
	settled(t, tracker, w, 5*time.Second)
	v.hidden = false
	for i := range 20 {
		v.to(0.02 * float64(i))
		w.look(tracker, fiveASecond())
	}
	stopped := w.at
	tracks := settled(t, tracker, w, 9*time.Second)
	require.False(t, tracks[0].Stationary)
	require.False(t, tracks[0].MovedAt.IsZero())
	require.Empty(t, tracker.Changes())
	tracks = settled(t, tracker, w, 3*time.Second)
	require.True(t, tracks[0].Stationary)
	require.False(t, tracks[0].Known)
	require.WithinDuration(t, stopped, tracks[0].MovedAt, time.Second)
	changes := tracker.Changes()
	require.Len(t, changes, 1)
	require.Equal(t, track.Appeared, changes[0].Kind)
	require.InDelta(t, 0.38, changes[0].Box.X0, 0.02)
}

func TestPeopleWaitAtDoors(t *testing.T) {
	v := person(1, 0, 0.3)
	w, tracker := newWorld(v), track.New(track.Config{})
	for i := range 20 {
		v.to(0.02 * float64(i))
		w.look(tracker, fiveASecond())
	}
	w.jitter = 0.03
	tracks := settled(t, tracker, w, 50*time.Second)
	require.False(t, tracks[0].Stationary)
	require.WithinDuration(t, noon.Add(4*time.Second), tracks[0].MovedAt, time.Second, "jitter is no movement")
	tracks = settled(t, tracker, w, 15*time.Second)
	require.True(t, tracks[0].Stationary)
	for i := range 5 {
		v.to(0.38 + 0.02*float64(i))
		tracks = w.look(tracker, fiveASecond())
	}
	require.Len(t, tracks, 1)
	require.Equal(t, int64(1), tracks[0].ID)
	require.False(t, tracks[0].Stationary, "who walks on is of interest again")
}

func TestWhatIsNoMovement(t *testing.T) {
	for name, disturb := range map[string]func(w *world, parked, passer *thing, look int){
		"the detector cuts it in half": func(_ *world, parked, _ *thing, look int) {
			parked.score = 0.6 + 0.3*float64(look%2)
		},
		"a person stands in front": func(_ *world, parked, passer *thing, look int) {
			passer.hidden = false
			passer.to(0.3 + 0.005*float64(look))
			parked.unseen = look > 5 && look < 30
		},
		"headlights sweep over it": func(w *world, parked, _ *thing, look int) {
			w.glare = event.Box{X0: 0.02 * float64(look), Y0: 0.3, X1: 0.02*float64(look) + 0.4, Y1: 0.9}
			w.jitter = 0.05
		},
		"night falls at once": func(w *world, _, _ *thing, look int) {
			w.gain, w.offset = -0.6, 200 // and what was dark is bright
			w.jitter = 0.05
		},
		"the detector no longer sees it": func(_ *world, parked, _ *thing, _ int) { parked.unseen = true },
	} {
		t.Run(name, func(t *testing.T) {
			parked, passer := car(1, 0.3, 0.5), person(2, 0, 0.4)
			passer.hidden = true
			w, tracker := newWorld(parked, passer), track.New(track.Config{})
			w.jitter = 0.02
			settled(t, tracker, w, 15*time.Second)
			for look := range 150 {
				disturb(w, parked, passer, look)
				found := w.found()
				if name == "the detector cuts it in half" && look%3 > 0 {
					found[0].Box.X1 -= 0.1
				}
				v := byID(t, tracker.Update(track.Sight{Frame: w.frame(), Looked: everywhere(), Found: found}), 1)
				w.at = w.at.Add(fiveASecond())
				require.True(t, v.MovedAt.IsZero(), "look %d: %+v", look, v)
				require.True(t, v.Stationary)
			}
		})
	}
}

func TestShakenCamera(t *testing.T) {
	things := []*thing{car(1, 0.05, 0.2), car(2, 0.3, 0.2), car(3, 0.6, 0.25), car(4, 0.2, 0.6), person(5, 0.7, 0.5)}
	for i, v := range things {
		v.score = 0.9 - 0.03*float64(i) // so that ids are in their order
	}
	w, tracker := newWorld(things...), track.New(track.Config{})
	settled(t, tracker, w, 15*time.Second)
	shake := func(look int) {
		w.shakeX, w.shakeY = 0.04, -0.03
		if look%2 == 0 {
			w.shakeX, w.shakeY = -0.03, 0.05
		}
	}
	for look := range 100 {
		shake(look)
		for _, v := range w.look(tracker, fiveASecond()) {
			require.True(t, v.MovedAt.IsZero(), "look %d: %+v", look, v)
			require.InDelta(t, things[v.ID-1].box.X0+w.shakeX, v.Box.X0, 0.001, "boxes are where they are seen")
		}
	}
	for look := range 6 {
		shake(look)
		things[3].to(0.2 + 0.03*float64(look))
		w.look(tracker, fiveASecond())
	}
	for _, v := range tracker.Predict(w.at) {
		require.Equal(t, v.ID == 4, !v.MovedAt.IsZero(), "what moves otherwise than the rest has moved: %+v", v)
	}
}

func TestLeftAndTaken(t *testing.T) {
	parcel := &thing{id: 1, label: "suitcase", score: 0.8, box: event.Box{X0: 0.6, Y0: 0.7, X1: 0.75, Y1: 0.85}, hidden: true}
	w, tracker := newWorld(parcel), track.New(track.Config{})
	w.jitter = 0.02
	settled(t, tracker, w, 20*time.Second)
	parcel.hidden = false
	left := w.at
	tracks := settled(t, tracker, w, 12*time.Second)
	require.True(t, tracks[0].Stationary)
	require.False(t, tracks[0].Known)
	require.True(t, tracks[0].MovedAt.IsZero())
	changes := tracker.Changes()
	require.Len(t, changes, 1)
	require.Equal(t, track.Appeared, changes[0].Kind)
	require.Equal(t, "suitcase", changes[0].Label)
	require.Equal(t, left, changes[0].At)

	parcel.hidden = true
	taken := w.at
	require.Len(t, settled(t, tracker, w, 9*time.Second), 1, "it may only be hidden")
	require.Empty(t, settled(t, tracker, w, 3*time.Second))
	changes = tracker.Changes()
	require.Len(t, changes, 1)
	require.Equal(t, track.Removed, changes[0].Kind)
	require.WithinDuration(t, taken, changes[0].At, time.Second)
}

// What the detector finds late, but the camera saw all the time, has not come.
func TestFoundLateButThereAllTheTime(t *testing.T) {
	statue := person(1, 0.4, 0.3)
	statue.unseen = true
	w, tracker := newWorld(statue), track.New(track.Config{PersonRestAfter: 5 * time.Second})
	settled(t, tracker, w, 25*time.Second)
	statue.unseen = false
	tracks := settled(t, tracker, w, 10*time.Second)
	require.True(t, tracks[0].Known)
	require.True(t, tracks[0].Stationary)
	require.Empty(t, tracker.Changes())
}

// Without pixels, as when frames cannot be had, boxes alone decide.
func TestRestWithoutPixels(t *testing.T) {
	tracker := track.New(track.Config{})
	var tracks []track.Track
	update := func(look int, x float64) {
		tracks = tracker.Update(track.Sight{
			Frame: &event.Frame{Time: noon.Add(time.Duration(look) * fiveASecond()), Width: 640, Height: 360}, Looked: everywhere(),
			Found: []event.Detection{{Label: "car", Score: 0.8, Box: event.Box{X0: x, Y0: 0.5, X1: x + 0.2, Y1: 0.7}}},
		})
	}
	for look := range 100 {
		update(look, 0.3+0.005*float64(look%3))
	}
	require.True(t, tracks[0].Stationary)
	require.True(t, tracks[0].MovedAt.IsZero())
	for look := 100; look < 106; look++ {
		update(look, 0.3+0.03*float64(look-100))
	}
	require.False(t, tracks[0].MovedAt.IsZero())
}
