package mot_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/track/mot"
)

// at is a box in one of ten places that do not overlap, moved by part of its
// width. Moved by m it overlaps the one not moved by (1-m)/(1+m).
func at(place int, part float64) event.Box {
	x := (float64(place) + part) * 0.1
	return event.Box{X0: x, Y0: 0.1, X1: x + 0.1, Y1: 0.2}
}

func object(id int64, place int) mot.Object { return mot.Object{ID: id, Box: at(place, 0)} }

// show is ten frames of what truth and found have at each.
func show(truth, found func(i int) []mot.Object) []mot.Frame {
	var frames []mot.Frame
	for i := range 10 {
		frames = append(frames, mot.Frame{Truth: truth(i), Found: found(i)})
	}
	return frames
}

func evaluate(t *testing.T, frames []mot.Frame) mot.Score {
	t.Helper()
	s, err := mot.Evaluate(frames, 0.5)
	require.NoError(t, err)
	return s
}

func one(int) []mot.Object { return []mot.Object{object(1, 3)} }

func TestPerfect(t *testing.T) {
	s := evaluate(t, show(one, func(int) []mot.Object { return []mot.Object{object(77, 3)} }))
	require.Equal(t, mot.Clear{MOTA: 1, MOTP: 1, Truth: 10, Matches: 10}, s.Clear)
	require.Equal(t, mot.Identity{IDF1: 1, Precision: 1, Recall: 1, IDTP: 10}, s.Identity)
	requireHigher(t, mot.Higher{HOTA: 1, DetA: 1, AssA: 1, LocA: 1}, s.Higher)
}

func requireHigher(t *testing.T, want, got mot.Higher) {
	t.Helper()
	require.InDelta(t, want.HOTA, got.HOTA, 1e-9, "HOTA")
	require.InDelta(t, want.DetA, got.DetA, 1e-9, "DetA")
	require.InDelta(t, want.AssA, got.AssA, 1e-9, "AssA")
	require.InDelta(t, want.LocA, got.LocA, 1e-9, "LocA")
}

// One object, followed as 7 in its first half and as 8 in its second.
// MOTA = 1 - 1/10. IDTP = 5, IDF1 = 10/20. Every box is found, DetA = 1; each
// match shares 5 frames with an object of 10 and a track of 5: AssA = 5/10.
func TestSwitchInTheMiddle(t *testing.T) {
	s := evaluate(t, show(one, func(i int) []mot.Object { return []mot.Object{object(7+int64(i/5), 3)} }))
	require.Equal(t, 1, s.Switches)
	require.InDelta(t, 0.9, s.MOTA, 1e-9)
	require.InDelta(t, 0.5, s.IDF1, 1e-9)
	requireHigher(t, mot.Higher{HOTA: math.Sqrt(0.5), DetA: 1, AssA: 0.5, LocA: 1}, s.Higher)
}

// Half of the object is missed: MOTA = 1 - 5/10, IDF1 = 10/15, DetA = 5/10,
// AssA = 5/(5+5).
func TestHalfMissed(t *testing.T) {
	s := evaluate(t, show(one, func(i int) []mot.Object {
		if i >= 5 {
			return nil
		}
		return []mot.Object{object(7, 3)}
	}))
	require.Equal(t, mot.Clear{MOTA: 0.5, MOTP: 1, Truth: 10, Matches: 5, Misses: 5}, s.Clear)
	require.InDelta(t, 2.0/3, s.IDF1, 1e-9)
	require.InDelta(t, 1, s.Precision, 1e-9)
	require.InDelta(t, 0.5, s.Recall, 1e-9)
	requireHigher(t, mot.Higher{HOTA: 0.5, DetA: 0.5, AssA: 0.5, LocA: 1}, s.Higher)
}

// Two objects whose tracks change places half way: two switches of 20 boxes,
// half of the boxes have their id, and each match shares 5 frames with two
// tracks of 10: 5/15.
func TestExchange(t *testing.T) {
	two := func(int) []mot.Object { return []mot.Object{object(1, 2), object(2, 6)} }
	s := evaluate(t, show(two, func(i int) []mot.Object {
		if i < 5 {
			return []mot.Object{object(1, 2), object(2, 6)}
		}
		return []mot.Object{object(2, 2), object(1, 6)}
	}))
	require.Equal(t, 2, s.Switches)
	require.InDelta(t, 0.9, s.MOTA, 1e-9)
	require.InDelta(t, 0.5, s.IDF1, 1e-9)
	requireHigher(t, mot.Higher{HOTA: math.Sqrt(1.0 / 3), DetA: 1, AssA: 1.0 / 3, LocA: 1}, s.Higher)
}

// A track where nothing is costs as much as the object that is found:
// MOTA = 1 - 10/10, IDF1 = 20/30, DetA = 10/20, AssA = 1.
func TestGhost(t *testing.T) {
	s := evaluate(t, show(one, func(int) []mot.Object { return []mot.Object{object(1, 3), object(2, 8)} }))
	require.Equal(t, mot.Clear{MOTA: 0, MOTP: 1, Truth: 10, Matches: 10, FalsePositives: 10}, s.Clear)
	require.InDelta(t, 2.0/3, s.IDF1, 1e-9)
	requireHigher(t, mot.Higher{HOTA: math.Sqrt(0.5), DetA: 0.5, AssA: 1, LocA: 1}, s.Higher)
}

// Boxes moved by a quarter of their width overlap by 0.75/1.25 = 0.6: they
// match at the 12 overlaps from 0.05 to 0.60 of 19, and not at the others,
// where LocA is 1 by definition.
func TestLocation(t *testing.T) {
	s := evaluate(t, show(one, func(int) []mot.Object { return []mot.Object{{ID: 1, Box: at(3, 0.25)}} }))
	require.InDelta(t, 1, s.MOTA, 1e-9)
	require.InDelta(t, 0.6, s.MOTP, 1e-9)
	requireHigher(t, mot.Higher{HOTA: 12.0 / 19, DetA: 12.0 / 19, AssA: 12.0 / 19, LocA: (12*0.6 + 7) / 19}, s.Higher)
}

// The rule of CLEAR MOT that a match is kept: a second track that comes to
// overlap the object more does not take it over. It is a false positive.
func TestMatchesAreKept(t *testing.T) {
	s := evaluate(t, show(one, func(i int) []mot.Object {
		if i < 5 {
			return []mot.Object{object(1, 3)}
		}
		return []mot.Object{{ID: 1, Box: at(3, 0.25)}, object(2, 3)}
	}))
	require.Zero(t, s.Switches)
	require.Equal(t, 5, s.FalsePositives)
	require.InDelta(t, 0.8, s.MOTP, 1e-9)
}

// An object that is lost and found with its old id has not been switched; with
// a new one it has, though nothing matched in between.
func TestSwitchOverAGap(t *testing.T) {
	gap := func(second int64) func(i int) []mot.Object {
		return func(i int) []mot.Object {
			switch {
			case i < 4:
				return []mot.Object{object(1, 3)}
			case i < 6:
				return nil
			}
			return []mot.Object{object(second, 3)}
		}
	}
	require.Zero(t, evaluate(t, show(one, gap(1))).Switches)
	require.Equal(t, 1, evaluate(t, show(one, gap(2))).Switches)
}

// As many as can be are matched: taking the largest overlap first would leave
// one of the two without.
func TestAsManyAsCanBe(t *testing.T) {
	truth := []mot.Object{{ID: 1, Box: at(3, 0)}, {ID: 2, Box: at(3, 0.3)}}
	found := []mot.Object{{ID: 1, Box: at(3, -0.2)}, {ID: 2, Box: at(3, 0.05)}}
	s := evaluate(t, []mot.Frame{{Truth: truth, Found: found}})
	require.Equal(t, 2, s.Matches)
}

func TestNothing(t *testing.T) {
	s := evaluate(t, nil)
	require.Equal(t, mot.Clear{MOTA: 1}, s.Clear)
	s = evaluate(t, []mot.Frame{{}, {Found: []mot.Object{object(1, 1)}}})
	require.Equal(t, mot.Clear{FalsePositives: 1}, s.Clear)
	require.Zero(t, s.HOTA)
}

func TestBadInput(t *testing.T) {
	twice := []mot.Frame{{Truth: []mot.Object{object(1, 1), object(1, 2)}}}
	_, err := mot.Evaluate(twice, 0.5)
	require.ErrorIs(t, err, mot.ErrInput)
	require.ErrorContains(t, err, "id 1 occurs twice")
	_, err = mot.Evaluate([]mot.Frame{{Found: []mot.Object{{Box: event.Box{X1: math.NaN()}}}}}, 0.5)
	require.ErrorIs(t, err, mot.ErrInput)
	_, err = mot.Evaluate(nil, 0)
	require.ErrorIs(t, err, mot.ErrInput)
}
