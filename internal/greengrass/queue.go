package greengrass

import (
	"context"
	"sync"
)

// queue holds the events of a subscription that nobody has read yet. When it
// is full the oldest goes: a slow reader neither blocks the connection nor
// makes memory grow, and gets the newest.
type queue struct {
	length, bytes int

	mu       sync.Mutex
	waiting  [][]byte
	size     int // bytes in waiting
	received uint64
	dropped  uint64
	end      error // not nil: nothing comes any more
	ready    chan struct{}
}

func newQueue(length, bytes int) *queue {
	return &queue{length: length, bytes: bytes, ready: make(chan struct{}, 1)}
}

// push adds an event. Only what comes from the nucleus counts as received.
func (q *queue) push(event []byte, remote bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.end != nil {
		return
	}
	if remote {
		q.received++
	}
	q.waiting = append(q.waiting, event)
	q.size += len(event)
	for len(q.waiting) > q.length || len(q.waiting) > 1 && q.size > q.bytes {
		q.size -= len(q.waiting[0])
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
		q.dropped++
	}
	q.signal()
}

// finish says that nothing comes any more. What waits can still be read; the
// first reason stays.
func (q *queue) finish(reason error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.end == nil {
		q.end = reason
	}
	q.signal()
}

// signal wakes one reader, which wakes the next. q.mu is held.
func (q *queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// pop waits for an event.
func (q *queue) pop(ctx context.Context) ([]byte, error) {
	for {
		if event, ok, err := q.take(); ok || err != nil {
			return event, err
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *queue) take() (event []byte, ok bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		if q.end != nil {
			q.signal()
		}
		return nil, false, q.end
	}
	event = q.waiting[0]
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
	q.size -= len(event)
	if len(q.waiting) > 0 || q.end != nil {
		q.signal()
	}
	return event, true, nil
}

func (q *queue) counts() (received, dropped uint64, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.received, q.dropped, len(q.waiting)
}
