package homeassistant

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Publisher is the broker that Home Assistant is at.
type Publisher interface {
	Publish(ctx context.Context, topic string, payload []byte, retain bool) error
}

// maxOnce bounds the messages that are not retained and wait.
const maxOnce = 64

// How long to wait for the broker, and before another try.
const (
	publishTimeout = 10 * time.Second
	retry          = 5 * time.Second
	lastWord       = 2 * time.Second
)

// late is when a message that is passed on once is of no use any more: what
// Home Assistant would switch on at once is not to be switched on much later.
const late = time.Minute

type message struct {
	topic   string
	payload []byte
	at      time.Time // of one that is passed on once
}

// outbox is what the broker should hold, retained, and what it should pass on
// once. Whoever fills it never waits.
type outbox struct {
	log  *slog.Logger
	wake chan struct{}

	mu       sync.Mutex
	retained map[string][]byte // by topic
	order    []string          // its topics, in the order in which they came
	due      map[string]bool   // topics that the broker may not hold so
	once     []message
}

func newOutbox(log *slog.Logger) *outbox {
	return &outbox{log: log, wake: make(chan struct{}, 1), retained: map[string][]byte{}, due: map[string]bool{}}
}

// keep has payload retained on topic; an empty one ends the retaining.
func (o *outbox) keep(topic string, payload []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, known := o.retained[topic]
	if known && string(before) == string(payload) {
		return
	}
	if !known {
		o.order = append(o.order, topic)
	}
	o.retained[topic], o.due[topic] = payload, true
	o.nudge()
}

// pass has payload passed on to whoever listens now.
func (o *outbox) pass(topic string, payload []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.once) >= maxOnce {
		o.once = o.once[1:]
	}
	o.once = append(o.once, message{topic, payload, time.Now()})
	o.nudge()
}

// again has all that is retained sent once more.
func (o *outbox) again() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, topic := range o.order {
		o.due[topic] = true
	}
	o.nudge()
}

func (o *outbox) nudge() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// next returns a message to send, what is retained first: an event of a device
// that is not announced yet would be lost.
func (o *outbox) next() (m message, retain, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, topic := range o.order {
		if o.due[topic] {
			return message{topic: topic, payload: o.retained[topic]}, true, true
		}
	}
	for len(o.once) > 0 && time.Since(o.once[0].at) > late {
		o.once = o.once[1:]
	}
	if len(o.once) > 0 {
		return o.once[0], false, true
	}
	return message{}, false, false
}

// sent notes that the broker has taken m.
func (o *outbox) sent(m message, retain bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !retain:
		if len(o.once) > 0 && o.once[0].at.Equal(m.at) { // else it was dropped meanwhile
			o.once = o.once[1:]
		}
	case string(o.retained[m.topic]) == string(m.payload): // else it changed meanwhile
		delete(o.due, m.topic)
		if len(m.payload) == 0 {
			o.forget(m.topic)
		}
	}
}

func (o *outbox) forget(topic string) {
	delete(o.retained, topic)
	o.unlist(topic)
}

func (o *outbox) unlist(topic string) {
	if i := slices.Index(o.order, topic); i >= 0 {
		o.order = slices.Delete(o.order, i, i+1)
	}
}

// failed lets the others go first next time: the broker may refuse this one
// for good.
func (o *outbox) failed(m message, retain bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.retained[m.topic]; retain && known {
		o.unlist(m.topic)
		o.order = append(o.order, m.topic)
	}
}

// run sends until ctx ends.
func (o *outbox) run(ctx context.Context, broker Publisher) {
	failing := false
	for ctx.Err() == nil {
		m, retain, ok := o.next()
		if !ok {
			select {
			case <-ctx.Done():
			case <-o.wake:
			}
			continue
		}
		publish, cancel := context.WithTimeout(ctx, publishTimeout)
		err := broker.Publish(publish, m.topic, m.payload, retain)
		cancel()
		if err == nil {
			failing = false
			o.sent(m, retain)
			continue
		}
		if ctx.Err() == nil && !failing {
			failing = true
			o.log.Warn("cannot tell Home Assistant, will try again", "topic", m.topic, "error", err)
		}
		o.failed(m, retain)
		select {
		case <-ctx.Done():
		case <-o.wake: // something new, which may be taken
		case <-time.After(retry):
		}
	}
}
