package producer

import (
	"math"
	"time"
)

// State is what a producer does.
type State string

// The states.
const (
	Idle    State = "idle"    // nothing to upload
	Sending State = "sending" // connected
	Waiting State = "waiting" // to try again
	Paused  State = "paused"  // until Resume
	Faulty  State = "faulty"  // Fault says what a person has to do
)

// Stats count since the start.
type Stats struct {
	State State
	Fault string // while Waiting or Faulty

	Sent        int64 // fragments, each once
	Resent      int64 // fragments, each time again
	Persisted   int64 // fragments
	Dropped     int64 // fragments the service refused for good
	Lost        int64 // stretches of video that neither ring nor recording had any more
	Bytes       int64 // sent, with what was sent again
	Connections int64
	Retries     int64 // connections that failed

	Unpersisted int           // fragments sent, or to be sent again
	Events      int           // in work
	Backlog     time.Duration // video of events that is not persisted, up to now
	Waiting     int           // events with such video that is not on its way
	Latency     time.Duration // from sending a fragment's end to persisted, the newest one
}

// Stats returns the counts so far.
func (p *Producer) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Unpersisted, s.Events = len(p.ledger), len(p.plan.events)
	now := p.born
	if g, ok := p.cfg.Ring.Find(time.UnixMilli(math.MaxInt64)); ok {
		now, _ = g.End()
	}
	for _, w := range p.plan.windows(now) {
		for _, h := range p.done.holes(w.stretch) {
			s.Backlog += time.Duration(h.length()) * time.Millisecond
		}
	}
	covered := p.covered()
	for _, e := range p.plan.events {
		w := window{stretch: stretch{e.from, min(e.until, now)}, open: e.until > now}
		if w.to >= w.from && len(w.missing(covered)) > 0 {
			s.Waiting++
		}
	}
	return s
}

// rest sets the state where there is nothing to send.
func (p *Producer) rest() {
	if p.isPaused() {
		p.setState(Paused, nil)
		return
	}
	p.setState(Idle, nil)
}

func (p *Producer) setState(state State, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.State, p.stats.Fault = state, ""
	if err != nil {
		p.stats.Fault = err.Error()
	}
}
