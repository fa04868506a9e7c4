package producer

import "time"

// State is what a producer does.
type State string

// The states.
const (
	Idle    State = "idle"    // nothing to upload
	Sending State = "sending" // connected
	Waiting State = "waiting" // to try again
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
	Lost        int64 // fragments that neither ring nor recording had any more
	Bytes       int64 // sent, with what was sent again
	Connections int64
	Retries     int64 // connections that failed

	Unpersisted int           // fragments sent, or to be sent again
	Events      int           // in work
	Latency     time.Duration // from sending a fragment's end to persisted, the newest one
}

// Stats returns the counts so far.
func (p *Producer) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Unpersisted, s.Events = len(p.ledger), len(p.plan.events)
	return s
}

func (p *Producer) setState(state State, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.State, p.stats.Fault = state, ""
	if err != nil {
		p.stats.Fault = err.Error()
	}
}
