// Package linktest is an MQTT broker in memory, for tests of what talks to
// IoT Core: it delivers in order, refuses what is too large for a device, and
// its connections break and come back when a test says so.
package linktest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"porchlight/internal/event"
)

// Errors of a Link.
var (
	ErrOffline  = errors.New("the connection is broken")
	ErrTooLarge = errors.New("message too large")
)

// Broker hands messages on to all whose filter matches.
type Broker struct {
	mu            sync.Mutex
	offline       bool
	subscriptions []*subscription
	sent          []Message
}

// Message that somebody published.
type Message struct {
	Topic   string
	Payload []byte
}

type subscription struct {
	filter string
	queue  chan Message
	back   chan struct{} // holds one: the connection is there again
}

// Publish delivers to all subscribers, the publisher's own included.
func (b *Broker) Publish(_ context.Context, topic string, payload []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.offline {
		return ErrOffline
	}
	if len(payload) > event.MaxPayload {
		return ErrTooLarge
	}
	m := Message{topic, slices.Clone(payload)}
	b.sent = append(b.sent, m)
	for _, s := range b.subscriptions {
		if Matches(s.filter, topic) {
			s.queue <- m
		}
	}
	return nil
}

// Subscribe returns when ctx ends.
func (b *Broker) Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func()) error {
	const room = 4096 // messages, more than any test sends
	s := &subscription{filter: filter, queue: make(chan Message, room), back: make(chan struct{}, 1)}
	b.mu.Lock()
	b.subscriptions = append(b.subscriptions, s)
	if !b.offline {
		s.back <- struct{}{}
	}
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.subscriptions = slices.DeleteFunc(b.subscriptions, func(one *subscription) bool { return one == s })
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.back:
			if ready != nil {
				ready()
			}
		case m := <-s.queue:
			handle(m.Topic, m.Payload)
		}
	}
}

// SetOffline breaks or mends the connections of all.
func (b *Broker) SetOffline(offline bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.offline && !offline {
		for _, s := range b.subscriptions {
			select {
			case s.back <- struct{}{}:
			default:
			}
		}
	}
	b.offline = offline
}

// Sent returns what was published on topics that a filter matches.
func (b *Broker) Sent(filter string) (found []Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.sent {
		if Matches(filter, m.Topic) {
			found = append(found, m)
		}
	}
	return found
}

// Subscribed says whether somebody listens with exactly this filter.
func (b *Broker) Subscribed(filter string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.subscriptions, func(s *subscription) bool { return s.filter == filter })
}

// Matches is MQTT's matching of topics: MQTT 5.0, 4.7.
func Matches(filter, topic string) bool {
	f, t := strings.Split(filter, "/"), strings.Split(topic, "/")
	for i, level := range f {
		switch {
		case level == "#":
			return true
		case i >= len(t), level != "+" && level != t[i]:
			return false
		}
	}
	return len(f) == len(t)
}
