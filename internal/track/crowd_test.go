package track_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/track"
)

// hide shows a parked car, of which a person who comes to stand before it
// leaves the given part to be seen, for half a minute.
func hide(t *testing.T, part float64) {
	parked, passer := car(1, 0.3, 0.5), person(2, 0, 0.3)
	passer.hidden = true
	w, tracker := newWorld(parked, passer), track.New(track.Config{})
	settled(t, tracker, w, 15*time.Second)
	passer.hidden = false
	for look := range 180 {
		left := min(0.27, 0.02*float64(look))
		if look > 150 {
			left = 0.27 + 0.02*float64(look-150)
		}
		passer.box = event.Box{X0: left, Y0: 0.3, X1: left + 0.03 + 0.2*(1-part), Y1: 0.8}
		found := w.found()
		if passer.box.Intersect(parked.box) > 0.02*(1-part) {
			found = found[:1]
			if part > 0.3 {
				found = append(found, event.Detection{Label: "car", Score: 0.6, Box: event.Box{X0: passer.box.X1, Y0: 0.5, X1: 0.5, Y1: 0.7}})
			}
		}
		v := byID(t, tracker.Update(track.Sight{Frame: w.frame(), Looked: everywhere(), Found: found}), 1)
		w.at = w.at.Add(fiveASecond())
		require.True(t, v.MovedAt.IsZero(), "look %d: %+v", look, v)
		require.True(t, v.Stationary)
	}
	require.Empty(t, tracker.Changes())
}

func TestSomeoneStandsBeforeTheCar(t *testing.T) {
	t.Run("half of it is seen", func(t *testing.T) { hide(t, 0.5) })
	t.Run("it is not seen", func(t *testing.T) { hide(t, 0.2) })
}

// After the light has changed for good, the place is known by its new looks.
func TestNewLightIsLearnt(t *testing.T) {
	parked := car(1, 0.3, 0.5)
	w, tracker := newWorld(parked), track.New(track.Config{})
	settled(t, tracker, w, 15*time.Second)
	w.gain, w.offset = -0.6, 200 // what was dark is bright
	settled(t, tracker, w, 10*time.Second)
	parked.unseen = true
	require.Len(t, settled(t, tracker, w, 30*time.Second), 1)
}

// Someone walks past what stands, and hides it for a moment.
func TestWhoPassesDoesNotCarryAwayWhatStands(t *testing.T) {
	post, passer := person(1, 0.5, 0.3), person(2, 0, 0.3)
	post.score, passer.hidden = 0.55, true
	w, tracker := newWorld(post, passer), track.New(track.Config{})
	settled(t, tracker, w, 6*time.Second)
	passer.hidden = false
	score := w.play(t, tracker, 8*time.Second, fiveASecond, func(since time.Duration) {
		passer.to(0.1 + 0.1*since.Seconds())
		post.unseen = passer.box.IoU(post.box) > 0.2
	})
	require.Zero(t, score.Switches)
	require.True(t, byID(t, tracker.Predict(w.at), 1).MovedAt.IsZero())
}

// Two people are hidden and come back where each could be either, and a little
// nearer to where the other was: their clothes tell who is who.
func TestColorsTellPeopleApart(t *testing.T) {
	for name, up := range map[string]float64{"one": -0.12, "the other": 0.12} {
		t.Run(name, func(t *testing.T) {
			a, b := person(1, 0.4, 0.3), person(6, 0.6, 0.3)
			w, tracker := newWorld(a, b), track.New(track.Config{})
			w.width, w.height = 320, 180
			score := w.play(t, tracker, 4*time.Second, fiveASecond, func(since time.Duration) {
				a.hidden = since >= 2*time.Second && since < 2600*time.Millisecond
				b.hidden = a.hidden
				if since >= 2*time.Second {
					a.box = event.Box{X0: 0.51, Y0: 0.3 + up, X1: 0.59, Y1: 0.7 + up}
					b.box = event.Box{X0: 0.49, Y0: 0.3 - up, X1: 0.57, Y1: 0.7 - up}
				}
			})
			require.Zero(t, score.Switches)
		})
	}
}

// Of two tracks that come to cover the same, the younger ends.
func TestTheYoungerOfTwoEnds(t *testing.T) {
	tracker := track.New(track.Config{})
	var tracks []track.Track
	for look := range 16 {
		box := event.Box{X0: 0.2, Y0: 0.2, X1: 0.4, Y1: 0.4}
		second := event.Box{X0: 0.25, Y0: 0.2, X1: 0.45, Y1: 0.4}
		found := []event.Detection{{Label: "dog", Score: 0.9, Box: box}, {Label: "dog", Score: 0.8, Box: second}}
		if look >= 10 {
			found = []event.Detection{{Label: "dog", Score: 0.9, Box: event.Box{X0: 0.22, Y0: 0.2, X1: 0.42, Y1: 0.4}}}
		}
		at := noon.Add(time.Duration(look) * fiveASecond())
		tracks = tracker.Update(track.Sight{Frame: &event.Frame{Time: at}, Looked: everywhere(), Found: found})
		if look == 9 {
			require.Len(t, tracks, 2)
		}
	}
	require.Len(t, tracks, 1)
}

// Where someone is found again tells how fast they went meanwhile.
func TestSpeedIsKnownAfterAGap(t *testing.T) {
	v := person(1, 0.1, 0.3)
	w, tracker := newWorld(v), track.New(track.Config{})
	for i := range 10 {
		v.to(0.1 + 0.02*float64(i)) // to the right
		w.look(tracker, fiveASecond())
	}
	at := v.box.X0
	w.at = w.at.Add(1300 * time.Millisecond)
	v.to(at - 0.09) // back in a second and a half
	w.look(tracker, 0)
	soon := tracker.Predict(w.at.Add(500 * time.Millisecond))[0]
	require.Equal(t, int64(1), soon.ID)
	require.InDelta(t, at-0.09-0.03, soon.Box.X0, 0.01)
}

// What is seen to stand where it stood is not what is found beside it.
func TestWhatDrivesPastIsNotWhatIsParked(t *testing.T) {
	parked, passing := car(1, 0.4, 0.5), car(2, 0, 0.68)
	passing.hidden = true
	w, tracker := newWorld(parked, passing), track.New(track.Config{})
	settled(t, tracker, w, 15*time.Second)
	parked.unseen, passing.hidden = true, false
	for look := range 20 {
		passing.to(0.2 + 0.02*float64(look))
		for _, v := range w.look(tracker, fiveASecond()) {
			require.Equal(t, v.ID == 2, v.Seen)
		}
	}
	require.True(t, byID(t, tracker.Predict(w.at), 1).Stationary)
}

// Detectors often begin with a bad box. That it gets better is no movement.
func TestBadFirstBoxIsNoMovement(t *testing.T) {
	tracker := track.New(track.Config{})
	for look := range 20 {
		box := event.Box{X0: 0.4, Y0: 0.2, X1: 0.5, Y1: 0.6}
		if look == 0 {
			box.Y1 = 0.4
		}
		at := noon.Add(time.Duration(look) * fiveASecond())
		tracks := tracker.Update(track.Sight{Frame: &event.Frame{Time: at}, Looked: everywhere(), Found: []event.Detection{{Label: "person", Score: 0.8, Box: box}}})
		require.Len(t, tracks, 1)
		require.True(t, tracks[0].MovedAt.IsZero(), "look %d", look)
	}
}
