package iot

import (
	"time"

	"porchlight/internal/backoff"
)

// retryTimes are how patient a client is.
type retryTimes struct {
	ack       time.Duration // for an answer
	min, max  time.Duration // between connections
	refused   time.Duration // first pause after a refused subscription
	dangerous time.Duration // first pause after one that ended the connection
	longest   time.Duration // between tries of a refused subscription
}

func defaultTimes() retryTimes {
	return retryTimes{
		ack: ackTimeout, min: minReconnect, max: maxReconnect,
		refused: 5 * time.Second, dangerous: time.Minute, longest: 15 * time.Minute,
	}
}

// refusal is what is known of a subscription that did not come about.
type refusal struct {
	suspect bool // the connection ended while it was asked for
	times   int
	until   time.Time // not to be asked for again before
	told    error
}

// after puts the next try off: longer each time, and never all at once.
func (r *refusal) after(now time.Time, first, longest time.Duration) time.Duration {
	pause := longest
	if r.times < 16 {
		pause = min(first<<r.times, longest)
	}
	r.times++
	pause = backoff.Jitter(pause)
	r.until = now.Add(pause)
	return pause
}

// refused puts a filter off. It returns the pause, and whether the cause is
// another than the last time.
func (s *subscriptions) refused(filter string, cause error, now time.Time, first, longest time.Duration) (pause time.Duration, news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.wants(filter) {
		return 0, false
	}
	r := s.refusal(filter)
	news, r.told = !sameFault(r.told, cause), cause
	return r.after(now, first, longest), news
}

// suspected notes which filters were asked for when the connection ended: they
// are asked for one by one from now on.
func (s *subscriptions) suspected(filters []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, filter := range filters {
		if s.wants(filter) {
			s.refusal(filter).suspect = true
		}
	}
}

func (s *subscriptions) refusal(filter string) *refusal {
	r := s.refusals[filter]
	if r == nil {
		r = &refusal{}
		s.refusals[filter] = r
	}
	return r
}
