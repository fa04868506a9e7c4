package lan

import "sync"

// retained counts what the broker keeps for clients.
type retained struct {
	mu    sync.Mutex
	sizes map[string]int // by topic
	total int
}

// admit says whether a message may be kept in place of what is kept on its
// topic, and notes it. An empty one is never refused: it makes room.
func (r *retained) admit(topic string, size int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, replaces := r.sizes[topic]
	if size == 0 {
		delete(r.sizes, topic)
		r.total -= before
		return true
	}
	if !replaces && len(r.sizes) >= maxRetained || r.total-before+size > maxRetainedSize {
		return false
	}
	r.sizes[topic] = size
	r.total += size - before
	return true
}
