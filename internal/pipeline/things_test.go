package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// parcel lies on the step.
func parcel() block { return block{x: 0.45, y: 0.72, w: 0.1, h: 0.12} }

func porch(t *testing.T) *stage {
	return newStage(t, func(c *pipeline.Config) {
		zones := zonesOf(t, "step", "0.3,0.5; 0.7,0.5; 0.7,0.95; 0.3,0.95")
		step := zones["step"]
		step.Things = true
		zones["step"] = step
		c.Settings.Zones = zones
	})
}

// visit lets somebody come to the step, do something there, and go.
func (s *stage) visit(kind uint8, do func()) {
	s.t.Helper()
	b := s.move(at(walker(kind), -0.12), 0.44, 3*time.Second)
	s.idle(time.Second, b)
	do()
	s.idle(time.Second, b)
	s.move(b, 1, 3*time.Second)
}

func TestAParcelIsLeftAndTaken(t *testing.T) {
	s := porch(t)
	s.visit(person, func() { s.parked = []block{parcel()} })
	gone := s.now
	for s.newest().State != event.Ended {
		require.Less(t, s.now.Sub(gone), 13*time.Second, "it is held open too long")
		s.show()
	}
	e := s.only()
	require.Equal(t, []string{"step"}, e.Appeared)
	require.Empty(t, e.Removed)
	require.Equal(t, []string{"step"}, e.Zones)
	require.False(t, e.EndedAt.After(gone), "the wait is no part of it")
	requireOrder(t, s.out.events)

	s.idle(time.Minute)
	s.visit(guest, func() { s.parked = nil })
	s.idle(13 * time.Second)
	events := s.events()
	require.Len(t, events, 2)
	require.Equal(t, []string{"step"}, events[1].Removed)
	require.Empty(t, events[1].Appeared)
	require.Equal(t, event.Ended, events[1].State)
	requireOrder(t, s.out.events)
}

func TestAThingIsToldAtOnce(t *testing.T) {
	s := porch(t)
	s.visit(person, func() { s.parked = []block{parcel()} })
	s.idle(13 * time.Second)
	for _, e := range s.out.events {
		if len(e.Appeared) > 0 {
			require.Equal(t, event.Updated, e.State, "before the event ends")
			return
		}
	}
	require.Fail(t, "nothing was told")
}

func TestAVisitThatChangesNothing(t *testing.T) {
	s := porch(t)
	s.parked = []block{parcel()}
	s.idle(2 * time.Minute)
	require.Empty(t, s.out.events)
	s.visit(person, func() {})
	s.idle(13 * time.Second)
	e := s.only()
	require.Empty(t, e.Appeared)
	require.Empty(t, e.Removed)
	require.Equal(t, event.Ended, e.State)
}

// The zone never comes to rest, so that there is no verdict.
func TestAnEventIsNotHeldOpenForLong(t *testing.T) {
	s := porch(t)
	s.visit(person, func() { s.parked = []block{parcel()} })
	gone := s.now
	for i := 0; s.newest().State != event.Ended; i++ {
		require.Less(t, s.now.Sub(gone), 14*time.Second)
		s.show(block{x: 0.5 + float64(i%4)*0.04, y: 0.55, w: 0.06, h: 0.1})
	}
}

// Who sits down on the step for good does not hold the event open.
func TestWhoStaysDoesNotHoldTheEventOpen(t *testing.T) {
	s := porch(t)
	b := s.move(at(walker(person), -0.12), 0.44, 3*time.Second)
	for i := 0; s.newest().State != event.Ended; i++ {
		// Something goes on about them all the time, so that they are looked at.
		s.show(b, block{x: 0.1 + 0.02*float64(i%40), y: 0.3, w: 0.12, h: 0.15})
		require.Less(t, s.now.Sub(start), 2*time.Minute)
	}
	e := s.only()
	require.Greater(t, e.EndedAt.Sub(e.StartedAt.Time), 30*time.Second)
	require.LessOrEqual(t, s.now.Sub(e.EndedAt.Time), 13*time.Second)
}

func TestZonesWithoutThingsTellOfNone(t *testing.T) {
	s := newStage(t, func(c *pipeline.Config) {
		c.Settings.Zones = zonesOf(t, "step", "0.3,0.5; 0.7,0.5; 0.7,0.95; 0.3,0.95")
	})
	s.visit(person, func() { s.parked = []block{parcel()} })
	s.idle(13 * time.Second)
	require.Empty(t, s.only().Appeared)
}

// Several zones may be changed at once: they are listed in order, once each.
func TestThingsInSeveralZones(t *testing.T) {
	for range 4 { // maps have no order
		s := newStage(t, func(c *pipeline.Config) {
			zones := zonesOf(t, "c", "0.3,0.5; 0.5,0.5; 0.5,0.95; 0.3,0.95", "a", "0.5,0.5; 0.7,0.5; 0.7,0.95; 0.5,0.95", "b", "0.3,0.5; 0.7,0.5; 0.7,0.95; 0.3,0.95")
			for name, z := range zones {
				z.Things = true
				zones[name] = z
			}
			c.Settings.Zones = zones
		})
		s.visit(person, func() {
			s.parked = []block{{x: 0.35, y: 0.72, w: 0.08, h: 0.12}, {x: 0.57, y: 0.72, w: 0.08, h: 0.12}}
		})
		s.idle(13 * time.Second)
		require.Equal(t, []string{"a", "b", "c"}, s.only().Appeared)
	}
}
