package signaling

import (
	"cmp"
	"context"
	"sync"
	"time"

	"porchlight/internal/backoff"
)

// Timing are the durations of a client. Zero ones have defaults, which suit
// the limits of the service
// (https://docs.aws.amazon.com/kinesisvideostreams-webrtc-dg/latest/devguide/kvswebrtc-limits.html).
type Timing struct {
	Life      time.Duration // a connection is replaced after this, up to a tenth earlier; 57 min, as the service ends it after 1 h
	Idle      time.Duration // and after this without a message; 9 min, as the service ends it after 10
	Ping      time.Duration // a sign of life is asked for; 20 s
	Silence   time.Duration // without one the connection is dead; 50 s
	Handshake time.Duration // 10 s
	Close     time.Duration // for the last messages of a connection that is replaced; 1 s
	Send      time.Duration // a message waits for a connection; 10 s
	Steady    time.Duration // a connection that lasts longer ends a series of faults; 5 s
	RetryMin  time.Duration // 250 ms
	RetryMax  time.Duration // 30 s
	RetrySlow time.Duration // for what only a person can cure; 1 min
	Standby   time.Duration // for another to be gone that has taken this client's place; 5 min, doubled each time up to an hour
	Fresh     time.Duration // ICE servers handed out are good for this at least, where the service gives them so long; 1 min
}

func (t Timing) withDefaults() Timing {
	return Timing{
		Life:      cmp.Or(t.Life, 57*time.Minute),
		Idle:      cmp.Or(t.Idle, 9*time.Minute),
		Ping:      cmp.Or(t.Ping, 20*time.Second),
		Silence:   cmp.Or(t.Silence, 50*time.Second),
		Handshake: cmp.Or(t.Handshake, 10*time.Second),
		Close:     cmp.Or(t.Close, time.Second),
		Send:      cmp.Or(t.Send, 10*time.Second),
		Steady:    cmp.Or(t.Steady, 5*time.Second),
		RetryMin:  cmp.Or(t.RetryMin, 250*time.Millisecond),
		RetryMax:  cmp.Or(t.RetryMax, 30*time.Second),
		RetrySlow: cmp.Or(t.RetrySlow, time.Minute),
		Standby:   cmp.Or(t.Standby, 5*time.Minute),
		Fresh:     cmp.Or(t.Fresh, time.Minute),
	}
}

// maxStandby bounds how long a client stands by that has lost its place again
// and again.
const maxStandby = time.Hour

// Rates are how many messages a client sends in a second; the service drops
// what comes faster. Zero ones have defaults just below its limits.
type Rates struct {
	SDP       float64 // offers and answers; 4.5
	Candidate float64 // 18
}

func (r Rates) withDefaults() Rates {
	return Rates{SDP: cmp.Or(r.SDP, 4.5), Candidate: cmp.Or(r.Candidate, 18)}
}

// pace spreads messages: as many as a second's worth go at once.
type pace struct {
	rate float64

	mu   sync.Mutex
	next time.Time // when all that was let go is used up
}

// wait returns when the next message may go, or ctx ends.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	delay := p.next.Sub(now) - time.Second
	p.next = p.next.Add(time.Duration(float64(time.Second) / p.rate))
	p.mu.Unlock()
	if delay > 0 {
		backoff.Pause(ctx, delay)
	}
	return ctx.Err()
}
