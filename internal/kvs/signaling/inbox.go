package signaling

import (
	"slices"
	"time"
)

// Bounds of what is kept of clients that have not sent an offer or answer.
const (
	maxEarly        = 32 // candidates of one client
	maxEarlyClients = 64
	maxKnown        = 256
	earlyLife       = 30 * time.Second
)

// inbox puts candidates in their place: they may come before the offer or
// answer that they belong to, and are of no use until then.
type inbox struct {
	early map[string]*early
	known map[string]time.Time // clients whose offer or answer has come, and when last
}

type early struct {
	messages []Message
	since    time.Time
}

func newInbox() *inbox {
	return &inbox{early: map[string]*early{}, known: map[string]time.Time{}}
}

// add takes a message in and returns those that can be handed on now.
func (b *inbox) add(m Message, now time.Time) []Message {
	switch m.Kind {
	case Offer, Answer:
		b.meet(m.Client, now)
		out := []Message{m}
		if e := b.early[m.Client]; e != nil {
			delete(b.early, m.Client)
			if now.Sub(e.since) < earlyLife {
				out = append(out, e.messages...)
			}
		}
		return out
	case Candidate:
		if _, ok := b.known[m.Client]; !ok {
			b.keep(m, now)
			return nil
		}
	}
	return []Message{m}
}

// meet remembers a client, and forgets the one not heard of for longest.
func (b *inbox) meet(client string, now time.Time) {
	if _, ok := b.known[client]; !ok && len(b.known) >= maxKnown {
		oldest := client
		for other, at := range b.known {
			if oldest == client || at.Before(b.known[oldest]) {
				oldest = other
			}
		}
		delete(b.known, oldest)
	}
	b.known[client] = now
}

func (b *inbox) keep(m Message, now time.Time) {
	for client, e := range b.early {
		if now.Sub(e.since) >= earlyLife {
			delete(b.early, client)
		}
	}
	e := b.early[m.Client]
	if e == nil {
		if len(b.early) >= maxEarlyClients {
			return
		}
		e = &early{since: now}
		b.early[m.Client] = e
	}
	if len(e.messages) < maxEarly {
		e.messages = append(slices.Clip(e.messages), m)
	}
}
