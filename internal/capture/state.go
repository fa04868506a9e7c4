package capture

import (
	"math/rand/v2"
	"sync"
	"time"

	"porchlight/internal/event"
)

// states reports what the camera does, each change once.
type states struct {
	cfg     Config
	mu      sync.Mutex
	state   event.CameraState
	message string
	lost    bool // the connection is down, whatever the decoder still shows
}

// lose reports that the connection is down. Pictures that were still on their
// way do not make the camera run again.
func (s *states) lose(fault error) {
	s.mu.Lock()
	s.lost = true
	s.mu.Unlock()
	s.set(event.CameraFailed, fault)
}

// regain ends lose: the next picture makes the camera run.
func (s *states) regain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = false
}

func (s *states) set(state event.CameraState, fault error) {
	message := ""
	if fault != nil {
		message = Redact(fault.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == state && s.message == message || s.lost && state == event.CameraRunning {
		return
	}
	s.state, s.message = state, message
	if state == event.CameraFailed {
		s.cfg.Log.Warn("camera failed", "error", message)
	} else {
		s.cfg.Log.Info("camera state", "state", state)
	}
	if s.cfg.OnState != nil {
		s.cfg.OnState(state, message)
	}
}

// backoff is a growing delay between attempts.
type backoff struct {
	min, max, next time.Duration
}

// delay returns the next delay: doubling from min to max, less up to a fifth
// so that cameras that failed together do not come back together.
func (b *backoff) delay() time.Duration {
	d := max(b.next, b.min)
	b.next = min(2*d, b.max)
	return d - time.Duration(rand.Float64()*float64(d)/5)
}

// reset starts over after a success.
func (b *backoff) reset() { b.next = 0 }
