package capture

import (
	"sync"
	"time"
)

// tellEvery is how often a fault that goes on is told again.
const tellEvery = time.Minute

// tally counts a fault that may come in floods and tells of it at most once a
// minute, with the number since it was last told.
type tally struct {
	tell func(count uint64)

	mu    sync.Mutex
	count uint64
	told  time.Time
}

func (t *tally) add(n uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count += n
	if time.Since(t.told) >= tellEvery {
		t.told = time.Now()
		t.tell(t.count)
		t.count = 0
	}
}

// flush tells of what has been counted since.
func (t *tally) flush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count > 0 {
		t.tell(t.count)
		t.count = 0
	}
}
