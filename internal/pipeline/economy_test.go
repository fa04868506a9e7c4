package pipeline_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAStillStreetCostsNothing(t *testing.T) {
	s := newStage(t, nil)
	s.parked = []block{parkedCar()}
	s.idle(30 * time.Second)
	before := s.line.Stats()
	for i := range 500 {
		s.light = 90 + uint8(i/100)
		s.show()
	}
	after := s.line.Stats()
	require.Equal(t, before.Inferences, after.Inferences)
	require.Equal(t, before.Frames+500, after.Frames)
	require.False(t, s.line.Busy(), "keyframes will do")
}

// sway is a tree in the wind: it moves all the time, and is nothing.
func sway(i int) block {
	return block{x: 0.65 + 0.1*math.Sin(float64(i)*1.3), y: 0.1, w: 0.12 + 0.03*math.Sin(float64(i)*0.7), h: 0.6}
}

func TestFutileMotionIsLookedAtLessAndLess(t *testing.T) {
	s := newStage(t, nil)
	var counts []int64
	i := 0
	for range 4 {
		before := s.line.Stats().Looks
		for range 150 { // half a minute
			s.show(sway(i))
			i++
		}
		counts = append(counts, s.line.Stats().Looks-before)
	}
	require.Greater(t, counts[0], int64(20))
	require.Less(t, counts[1], counts[0])
	require.LessOrEqual(t, counts[3], int64(15), "%v", counts)
	require.Positive(t, counts[3], "but it is never forgotten")
	require.Empty(t, s.out.events)

	// Somebody steps out of it.
	came := s.now
	for n := 0; len(s.out.events) == 0; n++ {
		s.show(sway(i), at(walker(person), 0.55-float64(n)*0.03))
		i++
		require.Less(t, s.now.Sub(came), 3*time.Second, "nobody saw them")
	}
	require.LessOrEqual(t, s.now.Sub(came), 1600*time.Millisecond)
}

// What was put down is looked at no more once it does not move.
func TestAnUncoveredFloorIsNoMotionForLong(t *testing.T) {
	s := newStage(t, nil)
	s.parked = []block{{x: 0.4, y: 0.4, w: 0.1, h: 0.2}}
	s.idle(5 * time.Second)
	before := s.line.Stats().Looks
	s.idle(20 * time.Second)
	require.LessOrEqual(t, s.line.Stats().Looks-before, int64(2))
}

func TestAnOpenEventIsFollowedAtLittleCost(t *testing.T) {
	s := newStage(t, nil)
	s.move(at(walker(person), -0.12), 0.1, 2*time.Second)
	before, began := s.line.Stats().Looks, s.now
	s.move(at(walker(person), 0.1), 0.8, 10*time.Second)
	looks := s.line.Stats().Looks - before
	require.LessOrEqual(t, float64(looks), 3.1*s.now.Sub(began).Seconds())
	require.True(t, s.line.Busy())
}
