package lan

import (
	"context"
	"log/slog"
	"sync"
)

type message struct {
	topic   string
	payload []byte
}

// feed queues the messages of one subscription, so that whoever handles them
// never holds up a connection. When it is full the newest is dropped.
type feed struct {
	filter string
	log    *slog.Logger
	wake   chan struct{}

	mu      sync.Mutex
	queue   []message
	bytes   int
	dropped int
}

func newFeed(filter string, log *slog.Logger) *feed {
	return &feed{filter: filter, log: log, wake: make(chan struct{}, 1)}
}

func (f *feed) put(topic string, payload []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) >= maxQueue || f.bytes+len(payload) > maxQueueBytes {
		f.dropped++
		return
	}
	f.queue = append(f.queue, message{topic, payload})
	f.bytes += len(payload)
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *feed) take() (messages []message, dropped int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	messages, dropped = f.queue, f.dropped
	f.queue, f.bytes, f.dropped = nil, 0, 0
	return messages, dropped
}

// run hands messages over, one at a time and in order, until ctx ends.
func (f *feed) run(ctx context.Context, handle func(topic string, payload []byte)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		}
		messages, dropped := f.take()
		if dropped > 0 {
			f.log.Warn("messages dropped: they come faster than they can be handled", "filter", f.filter, "messages", dropped)
		}
		for _, m := range messages {
			if ctx.Err() != nil {
				return
			}
			handle(m.topic, m.payload)
		}
	}
}
