package iot

import (
	"slices"
	"sync"
	"time"
)

// Limits of IoT Core:
// https://docs.aws.amazon.com/general/latest/gr/iot-core.html.
const (
	maxPerSubscribe  = 8  // filters in one SUBSCRIBE
	maxSubscriptions = 50 // per connection
)

// subscriptions are what is wanted, and how far it is in effect.
type subscriptions struct {
	wake chan struct{}

	mu       sync.Mutex
	closed   bool
	list     []*subscription
	refusals map[string]*refusal // by filter
	leaving  map[string]*link    // filters that nobody wants any more, by where they are in effect
	crowded  bool                // it was said that there are too many
}

func newSubscriptions() *subscriptions {
	return &subscriptions{wake: make(chan struct{}, 1), refusals: map[string]*refusal{}, leaving: map[string]*link{}}
}

// add calls start unless the client has ended.
func (s *subscriptions) add(sub *subscription, start func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.list = append(s.list, sub)
	start()
	s.notify()
	return true
}

func (s *subscriptions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

func (s *subscriptions) remove(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(s.list, func(o *subscription) bool { return o == sub })
	if !s.wants(sub.filter) {
		delete(s.refusals, sub.filter)
		if sub.on != nil {
			s.leaving[sub.filter] = sub.on
		}
	}
	s.notify() // also because there may be room for another
}

func (s *subscriptions) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscriptions) wants(filter string) bool {
	return slices.ContainsFunc(s.list, func(o *subscription) bool { return o.filter == filter })
}

// of returns the subscriptions that a topic is of.
func (s *subscriptions) of(topic string) []*subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*subscription
	for _, sub := range s.list {
		if matches(sub.filter, topic) {
			found = append(found, sub)
		}
	}
	return found
}

// dropped returns how many messages to say were dropped: not each by itself.
func (s *subscriptions) dropped(sub *subscription, n int, now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub.lost += n
	if !sub.told.IsZero() && now.Sub(sub.told) < time.Minute {
		return 0
	}
	lost := sub.lost
	sub.told, sub.lost = now, 0
	return lost
}

func (s *subscriptions) inEffect(l *link) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.list {
		if sub.on == l {
			n++
		}
	}
	return n
}

// work is what to ask of a connection next.
type work struct {
	ask, drop []string
	alone     bool          // ask holds one filter that is suspected of ending connections
	next      time.Duration // when there is nothing to do now: when there may be
	crowded   int           // filters that have no place, when it is to be said
}

// due returns the next request to make on a connection.
func (s *subscriptions) due(l *link, now time.Time) (w work) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for filter, on := range s.leaving {
		if on != l || s.wants(filter) {
			delete(s.leaving, filter)
		} else if len(w.drop) < maxPerSubscribe {
			delete(s.leaving, filter)
			w.drop = append(w.drop, filter)
		}
	}
	w.next = time.Hour
	var filters, suspects []string
	seen := map[string]bool{}
	for _, sub := range s.list {
		if !seen[sub.filter] {
			seen[sub.filter] = true
			filters = append(filters, sub.filter)
		}
	}
	for _, filter := range filters[:min(len(filters), maxSubscriptions)] {
		if !slices.ContainsFunc(s.list, func(o *subscription) bool { return o.filter == filter && o.on != l }) {
			continue
		}
		r := s.refusals[filter]
		switch {
		case r != nil && now.Before(r.until):
			w.next = min(w.next, r.until.Sub(now))
		case r != nil && r.suspect:
			suspects = append(suspects, filter)
		case len(w.ask) < maxPerSubscribe:
			w.ask = append(w.ask, filter)
		}
	}
	if len(w.ask) == 0 && len(suspects) > 0 {
		w.ask, w.alone = suspects[:1], true
	}
	if over := len(filters) - maxSubscriptions; over <= 0 {
		s.crowded = false
	} else if !s.crowded {
		s.crowded, w.crowded = true, over
	}
	return w
}

// granted notes that a filter is in effect on a connection, and returns what
// was refused before.
func (s *subscriptions) granted(filter string, l *link) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.refusals[filter]
	delete(s.refusals, filter)
	if !s.wants(filter) {
		s.leaving[filter] = l // nobody wants it any more
		s.notify()
	}
	for _, sub := range s.list {
		if sub.filter == filter && sub.on != l {
			sub.on = l
			sub.inbox.put(letter{ready: true})
		}
	}
	return r
}
