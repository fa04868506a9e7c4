package sensors

import (
	"time"

	"porchlight/internal/event"
)

// Bounds of what sensors may say.
const (
	maxSensors = 256
	perSecond  = 0.5       // messages of one sensor that go on, over some time
	atOnce     = 10        // and in a burst
	repeat     = time.Hour // what is said again and again goes on this often
	ahead      = 2 * time.Minute
	behind     = 7 * 24 * time.Hour // how far a clock may be wrong before ours counts
	complain   = time.Minute        // between two complaints about one sensor
)

// sensor is what is known of one.
type sensor struct {
	last      event.Sensor
	before    event.Sensor // the last that was not unavailable
	own       time.Time    // of the last: when it became so by the sensor's own clock; zero: it did not say
	seen      time.Time    // when it last said anything
	sent      time.Time    // when its state was last put into the spool
	waiting   bool         // the last has not been
	tokens    float64
	refilled  time.Time
	timeout   time.Duration // 0: it may be silent
	complains time.Time
}

// said takes a state in and returns whether it is news. A zero at is now.
//
// Of messages of one sensor the one that comes later counts, so its time is
// made later too: the cloud keeps the latest.
func (s *sensor) said(now time.Time, kind event.SensorKind, state string, at time.Time) (news bool) {
	same := s.last.State == state && s.last.Kind == kind
	if at.After(now.Add(ahead)) || at.Before(now.Add(-behind)) {
		at = time.Time{}
	}
	if same && (at.IsZero() && now.Sub(s.sent) < repeat || !at.IsZero() && at.Equal(s.own)) {
		return false
	}
	if s.own = at; at.IsZero() {
		at = now
	}
	if !at.After(s.last.At.Time) {
		at = s.last.At.Add(time.Millisecond)
	}
	s.last.Kind, s.last.State, s.last.At = kind, state, event.At(at)
	if state != event.SensorUnavailable {
		s.before = s.last
	}
	s.waiting = true
	return true
}

// maySend spends a token if there is one.
func (s *sensor) maySend(now time.Time) bool {
	s.tokens = min(atOnce, s.tokens+now.Sub(s.refilled).Seconds()*perSecond)
	s.refilled = now
	if s.tokens < 1 {
		return false
	}
	s.tokens--
	return true
}

// silent says whether the sensor has just become unavailable by saying nothing.
func (s *sensor) silent(now time.Time) bool {
	return s.timeout > 0 && now.Sub(s.seen) > s.timeout && s.last.State != event.SensorUnavailable
}
