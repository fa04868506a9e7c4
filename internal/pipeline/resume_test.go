package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// crashed is a stage whose pipeline died with an event open, and that event.
func crashed(t *testing.T) (*stage, event.Event) {
	s := newStage(t, func(c *pipeline.Config) { c.StateFile = t.TempDir() + "/door.json" })
	s.move(at(walker(person), -0.12), 0.3, 3*time.Second)
	open := s.newest()
	require.NotEqual(t, event.Ended, open.State)
	return s, open
}

func TestAnEventGoesOnAfterARestart(t *testing.T) {
	s, open := crashed(t)
	s.now = s.now.Add(15 * time.Second)
	s.restart(&open)
	require.Equal(t, 1, len(s.events()), "nothing is said before the first frame")
	s.idle(time.Second, at(walker(person), 0.3))
	s.move(at(walker(person), 0.3), 1, 5*time.Second)
	s.idle(5 * time.Second)
	e := s.only()
	require.Equal(t, open.EventID, e.EventID)
	require.Equal(t, open.StartedAt, e.StartedAt)
	require.Equal(t, event.Ended, e.State)
	require.True(t, e.EndedAt.After(open.UpdatedAt.Time))
	requireOrder(t, s.out.events)
}

func TestAnEventOfLongAgoEndsWithItsOldTime(t *testing.T) {
	s, open := crashed(t)
	s.now = s.now.Add(40 * time.Second)
	s.restart(&open)
	s.show()
	e := s.only()
	require.Equal(t, event.Ended, e.State)
	require.Equal(t, open.UpdatedAt, *e.EndedAt)
	require.Equal(t, open.Sequence+1, e.Sequence)
	s.idle(4 * time.Second)
	s.pass(guest, 4*time.Second)
	s.idle(4 * time.Second)
	require.Len(t, s.events(), 2)
	requireOrder(t, s.out.events)
}

func TestAResumedEventEndsWhenNothingIsThere(t *testing.T) {
	s, open := crashed(t)
	s.now = s.now.Add(5 * time.Second)
	s.restart(&open)
	s.idle(10 * time.Second)
	e := s.only()
	require.Equal(t, event.Ended, e.State)
	require.Equal(t, open.UpdatedAt, *e.EndedAt)
}

func TestAResumedEventEndsWhenItsCameraIsClosedUnseen(t *testing.T) {
	s, open := crashed(t)
	s.restart(&open)
	require.NoError(t, s.line.Close(t.Context()))
	e := s.only()
	require.Equal(t, event.Ended, e.State)
	require.Equal(t, open.UpdatedAt, *e.EndedAt)
	require.NoError(t, s.line.Close(t.Context()))
	requireOrder(t, s.out.events)
}

func TestTheNoteOfAResumedEventIsNotChanged(t *testing.T) {
	s, open := crashed(t)
	open.Labels = nil
	sequence := open.Sequence
	s.restart(&open)
	s.move(at(walker(person), 0.3), 1, 5*time.Second)
	require.Nil(t, open.Labels)
	require.Equal(t, sequence, open.Sequence)
}

// The clock was wrong before the restart: what it said counts no more.
func TestAResumedEventOfTheFuture(t *testing.T) {
	s, open := crashed(t)
	s.now = s.now.Add(-time.Hour)
	back := s.now
	s.restart(&open)
	s.idle(4 * time.Second)
	require.Equal(t, event.Ended, s.only().State)
	s.pass(guest, 4*time.Second)
	s.idle(6 * time.Second)
	e := s.newest()
	require.NotEqual(t, open.EventID, e.EventID)
	require.Equal(t, event.Ended, e.State)
	require.WithinDuration(t, back, e.StartedAt.Time, 8*time.Second)
	require.True(t, e.EndedAt.After(e.StartedAt.Time))
}
