package lambda

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// schedule hands out messages when they are due, earliest first.
type schedule struct {
	mu   sync.Mutex
	due  byTime
	wake chan struct{} // buffered, one: something changed
}

func newSchedule() *schedule { return &schedule{wake: make(chan struct{}, 1)} }

func (s *schedule) push(m *message) {
	s.mu.Lock()
	heap.Push(&s.due, m)
	s.mu.Unlock()
	s.signal()
}

func (s *schedule) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// pop waits for the next due message; nil when ctx ends.
func (s *schedule) pop(ctx context.Context) *message {
	for {
		m, wait := s.next()
		if m != nil {
			s.signal() // there may be another for another worker
			return m
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// next returns the first message if it is due, else how long to wait.
func (s *schedule) next() (*message, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.due) == 0 {
		return nil, time.Hour
	}
	if wait := time.Until(s.due[0].NotBefore); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&s.due).(*message), 0
}

// byTime implements heap.Interface.
type byTime []*message

func (h byTime) Len() int      { return len(h) }
func (h byTime) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *byTime) Push(m any)   { *h = append(*h, m.(*message)) }
func (h byTime) Less(i, j int) bool {
	if h[i].NotBefore.Equal(h[j].NotBefore) {
		return h[i].key < h[j].key
	}
	return h[i].NotBefore.Before(h[j].NotBefore)
}
func (h *byTime) Pop() any {
	old := *h
	m := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return m
}
