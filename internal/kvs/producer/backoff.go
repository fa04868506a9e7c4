package producer

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff waits longer after each failure, up to a bound, and never exactly
// as long as other cameras do.
type backoff struct{ min, max, next time.Duration }

func (b *backoff) reset() { b.next = 0 }

func (b *backoff) delay() time.Duration {
	b.next = min(max(2*b.next, b.min), b.max)
	return jitter(b.next)
}

func jitter(d time.Duration) time.Duration { return d/2 + rand.N(max(d, 1)) }

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
