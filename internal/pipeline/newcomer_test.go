package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// Whoever is in the very first picture counts once, though they do not move:
// nobody can tell them from a statue.
func TestAPersonInTheFirstPictureIsOneEvent(t *testing.T) {
	s := coldStage(t, func(c *pipeline.Config) { c.StateFile = t.TempDir() + "/door.json" })
	s.parked = []block{at(walker(person), 0.4)}
	s.idle(10 * time.Second)
	require.Equal(t, event.Started, s.only().State)
	s.idle(2 * time.Minute)
	require.Equal(t, event.Ended, s.only().State)
	s.idle(2 * time.Minute)
	s.only()

	require.NoError(t, s.line.Close(t.Context()))
	s.restart(nil)
	s.idle(time.Minute)
	s.only()
}

func TestACarInTheFirstPictureIsNone(t *testing.T) {
	s := coldStage(t, nil)
	s.parked = []block{parkedCar()}
	s.idle(time.Minute)
	require.Empty(t, s.out.events)
}

// After a restart nobody is new, not even who was not there before.
func TestAStatueThatIsNewAfterARestartIsNone(t *testing.T) {
	s := newStage(t, func(c *pipeline.Config) { c.StateFile = t.TempDir() + "/door.json" })
	require.NoError(t, s.line.Close(t.Context()))
	s.parked = []block{at(walker(person), 0.4)}
	s.restart(nil)
	s.idle(time.Minute)
	require.Empty(t, s.out.events)
}
