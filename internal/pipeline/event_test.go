package pipeline_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

func TestAnEventTakesInAllThatOverlaps(t *testing.T) {
	s := newStage(t, nil)
	a := s.move(at(walker(person), -0.12), 0.3, 3*time.Second)
	b := at(block{kind: car, y: 0.2, w: 0.25, h: 0.25}, 0.75)
	for i := range 15 {
		s.show(at(a, 0.3+float64(i)*0.01), at(b, 0.75-float64(i)*0.01))
	}
	s.move(b, 0.3, 3*time.Second)
	s.idle(20 * time.Second)
	e := s.only()
	require.Equal(t, event.Ended, e.State)
	require.Len(t, e.Labels, 2)
	require.InDelta(t, 0.9, e.Labels["person"], 1e-9)
	require.InDelta(t, 0.9, e.Labels["car"], 1e-9)
	requireOrder(t, s.out.events)
}

func TestANewLabelIsToldAtOnce(t *testing.T) {
	s := newStage(t, nil)
	var told []time.Duration
	s.pass(person, 4*time.Second)
	began := s.now
	before := len(s.out.events)
	s.pass(cat, 4*time.Second)
	for _, e := range s.out.events[before:] {
		if e.Labels["cat"] > 0 {
			told = append(told, e.UpdatedAt.Sub(began))
		}
	}
	require.NotEmpty(t, told)
	require.Less(t, told[0], 2*time.Second)
}

func TestAnEventEndsAfterQuietAtItsLastSighting(t *testing.T) {
	s := newStage(t, nil)
	var seen time.Time
	s.check = func(v *pipeline.View) {
		for _, tr := range v.Tracks {
			if tr.Seen {
				seen = v.Frame.Time
			}
		}
	}
	s.pass(person, 5*time.Second)
	gone := s.now
	for s.newest().State != event.Ended {
		s.show()
		require.Less(t, s.now.Sub(gone), 4*time.Second, "it does not end")
	}
	e := s.only()
	require.WithinDuration(t, seen, e.EndedAt.Time, time.Second)
	require.False(t, e.EndedAt.After(gone))
	require.GreaterOrEqual(t, s.now.Sub(e.EndedAt.Time), 2*time.Second)
}

func TestTwoSecondsOfEmptinessPartTwoHappenings(t *testing.T) {
	s := newStage(t, nil)
	s.pass(person, 4*time.Second)
	s.idle(3 * time.Second)
	s.pass(guest, 4*time.Second)
	s.idle(5 * time.Second)
	require.Len(t, s.events(), 2)
	requireOrder(t, s.out.events)
}

func TestAStartIsDatedBackAlongTheMotion(t *testing.T) {
	s := newStage(t, nil)
	// Comes out from behind something as a shape that nobody can recognize.
	came := s.now
	for i := range 8 {
		s.show(block{x: float64(i) * 0.02, y: 0.35, w: 0.12, h: 0.5})
	}
	s.move(at(walker(person), 0.16), 0.6, 3*time.Second)
	e := s.newest()
	require.WithinDuration(t, came, e.StartedAt.Time, 600*time.Millisecond)
}

func TestAStartIsNeverBeforeTheLastEnd(t *testing.T) {
	s := newStage(t, nil)
	for range 4 {
		s.pass(person, 3*time.Second)
		s.idle(2400 * time.Millisecond)
	}
	s.idle(3 * time.Second)
	require.Greater(t, len(s.events()), 1)
	requireOrder(t, s.out.events)
}

func TestAnEventWaitsWhileSomethingUnrecognizedMoves(t *testing.T) {
	s := newStage(t, nil)
	b := s.move(at(walker(person), -0.12), 0.4, 3*time.Second)
	var ended time.Duration
	hidden := s.now
	for i := range 60 { // on and on, and the detector sees nothing
		s.show(block{x: b.x + float64(i%12)*0.03, y: 0.35, w: 0.12, h: 0.5})
		if ended == 0 && s.newest().State == event.Ended {
			ended = s.now.Sub(hidden)
		}
	}
	require.Greater(t, ended, 3*time.Second, "longer than the quiet")
	require.LessOrEqual(t, ended, 7*time.Second, "but not for long")
	require.WithinDuration(t, hidden, s.only().EndedAt.Time, time.Second)
}

func TestUpdatesAreAtMostOneASecond(t *testing.T) {
	s := newStage(t, nil)
	// Comes nearer and nearer: a better picture with every frame.
	for i := range 50 {
		grow := 1 + float64(i)/20
		s.show(block{kind: person, x: 0.3 - 0.06*grow, y: 0.45 - 0.1*grow, w: 0.1 * grow, h: 0.22 * grow})
	}
	require.Greater(t, len(s.out.events), 3)
	for i, e := range s.out.events[1:] {
		require.GreaterOrEqual(t, e.UpdatedAt.Sub(s.out.events[i].UpdatedAt.Time), time.Second)
		require.Equal(t, event.Updated, e.State)
	}
}

func TestFramesOutOfOrder(t *testing.T) {
	s := newStage(t, nil)
	late := 0
	for i := range 40 {
		f := s.frame(at(walker(person), float64(i)*0.02))
		switch {
		case i%5 == 3:
			f.Time, late = f.Time.Add(-700*time.Millisecond), late+1
		case i%7 == 2:
			f.Time = f.Time.Add(-200 * time.Millisecond)
		}
		require.NoError(t, s.line.Handle(t.Context(), f))
		s.now = s.now.Add(s.step)
	}
	s.idle(5 * time.Second)
	require.Positive(t, late)
	require.Equal(t, event.Ended, s.only().State)
	requireOrder(t, s.out.events)
}

func TestAClockThatIsSetBackStopsNothing(t *testing.T) {
	s := newStage(t, nil)
	b := s.move(at(walker(person), -0.12), 0.4, 3*time.Second)
	s.now = s.now.Add(-2 * time.Hour)
	back := s.now
	s.move(b, 1, 3*time.Second)
	s.idle(5 * time.Second)
	events := s.events()
	require.Equal(t, event.Ended, events[0].State)
	require.False(t, events[0].EndedAt.Before(events[0].StartedAt.Time))
	last := events[len(events)-1]
	require.Equal(t, event.Ended, last.State, "time goes on")
	require.WithinDuration(t, back, last.StartedAt.Time, 2*time.Second)
	for range 2 {
		before := len(s.events())
		s.pass(guest, 4*time.Second)
		s.idle(5 * time.Second)
		require.Len(t, s.events(), before+1)
	}
}

func TestAResolutionThatChanges(t *testing.T) {
	s := newStage(t, nil)
	s.move(at(walker(person), -0.12), 0.3, 2*time.Second)
	s.w, s.h = 641, 363
	s.move(at(walker(person), 0.3), 0.6, 2*time.Second)
	s.w, s.h = 161, 91
	s.move(at(walker(person), 0.6), 1, 2*time.Second)
	s.idle(8 * time.Second)
	for _, e := range s.events() {
		require.Equal(t, event.Ended, e.State)
	}
	require.NotEmpty(t, s.events())
	requireOrder(t, s.out.events)
}

func TestSizesOfAllKinds(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 50}, {50, 1}, {3, 2}, {17, 13}, {33, 201}} {
		s := coldStage(t, func(c *pipeline.Config) {
			c.Settings.PrivacyMasks = append(c.Settings.PrivacyMasks, shape(t, "0,0; 0.3,0; 0.3,0.3"))
			c.Settings.Zones = zonesOf(t, "all", "0,0; 1,0; 1,1; 0,1")
		})
		s.w, s.h = size[0], size[1]
		s.idle(3 * time.Second)
		s.pass(person, 3*time.Second)
		s.idle(4 * time.Second)
		require.NoError(t, s.line.Close(t.Context()))
		requireOrder(t, s.out.events)
	}
}

func TestGrayPictures(t *testing.T) {
	s := newStage(t, nil)
	for range 30 { // infrared light at night
		f := s.frame()
		for i := range f.Pix {
			f.Pix[i] = f.Pix[i/3*3]
		}
		require.NoError(t, s.line.Handle(t.Context(), f))
		s.now = s.now.Add(s.step)
	}
	require.Empty(t, s.out.events)
}

func TestADetectorThatFailsForAMoment(t *testing.T) {
	s := newStage(t, nil)
	b := s.move(at(walker(person), -0.12), 0.3, 2*time.Second)
	s.detector.err = errors.New("broken")
	s.forgiving = true
	b = s.move(b, 0.4, time.Second)
	s.detector.err, s.forgiving = nil, false
	s.move(b, 1, 3*time.Second)
	s.idle(5 * time.Second)
	require.Equal(t, event.Ended, s.only().State)
	requireOrder(t, s.out.events)
}

func TestASinkThatFailsDoesNotStopThePipeline(t *testing.T) {
	s := newStage(t, nil)
	s.forgiving = true
	s.out.err = errors.New("full")
	b := s.move(at(walker(person), -0.12), 0.4, 3*time.Second)
	require.Empty(t, s.out.events)
	s.out.err = nil
	s.move(b, 1, 3*time.Second)
	s.idle(5 * time.Second)
	require.Equal(t, event.Ended, s.only().State)
}

func TestASinkErrorIsReturned(t *testing.T) {
	s := newStage(t, nil)
	full := errors.New("full")
	s.out.err = full
	var faults []error
	for i := range 20 {
		faults = append(faults, s.line.Handle(t.Context(), s.frame(at(walker(person), float64(i)*0.02))))
		s.now = s.now.Add(s.step)
	}
	require.ErrorIs(t, errors.Join(faults...), full)
	require.ErrorIs(t, s.line.Close(t.Context()), full)
	require.NoError(t, s.line.Close(t.Context()), "there is nothing more to say")
}
