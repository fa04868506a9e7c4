package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

func TestAParkedCarRaisesNoEventForAnHour(t *testing.T) {
	s := coldStage(t, nil)
	s.parked = []block{parkedCar()}
	s.idle(10 * time.Second)
	s.step = 2 * time.Second
	for i := range 1800 {
		s.light = 90 + uint8(i/100) // and the evening comes
		s.show()
	}
	require.Empty(t, s.out.events)
}

// arrive lets a car come from the right and park at the left.
func (s *stage) arrive(others ...block) {
	s.t.Helper()
	b := s.move(at(parkedCar(), 1), parkedCar().x, 6*time.Second, others...)
	s.parked = append(s.parked, b)
	s.idle(20 * time.Second)
}

func TestACarThatParksIsOneEvent(t *testing.T) {
	s := newStage(t, nil)
	s.arrive()
	e := s.only()
	require.Equal(t, event.Ended, e.State)
	require.Contains(t, e.Labels, "car")
	require.Less(t, e.EndedAt.Sub(e.StartedAt.Time), 20*time.Second)
	s.idle(time.Minute)
	s.only()

	for range 3 {
		s.pass(person, 5*time.Second) // in front of it
		s.idle(5 * time.Second)
	}
	events := s.events()
	require.Len(t, events, 4)
	for _, e := range events[1:] {
		require.NotContains(t, e.Labels, "car", "it only stands there")
		require.Contains(t, e.Labels, "person")
	}

	s.parked = nil
	s.move(parkedCar(), 1, 5*time.Second)
	s.idle(5 * time.Second)
	events = s.events()
	require.Len(t, events, 5, "it drives away")
	require.Contains(t, events[4].Labels, "car")
	require.NotContains(t, events[4].Labels, "person")
	requireOrder(t, s.out.events)
}

// A parked car stays known over a restart, whether the end was in order or a crash.
func TestAParkedCarIsKnownAfterARestart(t *testing.T) {
	for name, closed := range map[string]bool{"closed": true, "crashed": false} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, func(c *pipeline.Config) { c.StateFile = t.TempDir() + "/door.json" })
			s.arrive()
			s.idle(time.Minute)
			if closed {
				require.NoError(t, s.line.Close(t.Context()))
			}
			s.restart(nil)
			before := len(s.out.events)
			s.idle(30 * time.Second)
			s.step = time.Second
			s.idle(5 * time.Minute)
			require.Len(t, s.out.events, before, "no event of what only stands there")
			s.step = 200 * time.Millisecond
			s.pass(person, 4*time.Second)
			s.idle(5 * time.Second)
			require.NotContains(t, s.newest().Labels, "car")
			s.parked = nil
			s.move(parkedCar(), 1, 5*time.Second)
			s.idle(5 * time.Second)
			require.Contains(t, s.newest().Labels, "car", "but its departure is one")
		})
	}
}
