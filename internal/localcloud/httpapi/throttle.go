package httpapi

import (
	"sync"
	"time"
)

// bucket is a token bucket; nil never refuses.
type bucket struct {
	rate, burst float64
	mu          sync.Mutex
	tokens      float64
	last        time.Time
}

func newBucket(s *RouteSettings) *bucket {
	if s == nil || s.ThrottlingRateLimit <= 0 {
		return nil
	}
	burst := max(float64(s.ThrottlingBurstLimit), 1)
	return &bucket{rate: s.ThrottlingRateLimit, burst: burst, tokens: burst, last: time.Now()}
}

func (b *bucket) take() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.tokens = min(b.tokens+now.Sub(b.last).Seconds()*b.rate, b.burst)
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
