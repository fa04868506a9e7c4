// Package backoff waits between tries, longer each time and never exactly as
// long as the neighbors do: what was cut off together must not come back
// together.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff is a row of waits that doubles from Min to Max. It is not safe for concurrent use.
type Backoff struct {
	Min, Max time.Duration
	next     time.Duration
	tries    int
}

// Delay is how long to wait before the next try.
func (b *Backoff) Delay() time.Duration {
	b.next = min(max(2*b.next, b.Min), b.Max)
	b.tries++
	return Jitter(b.next)
}

// Reset begins anew, after a success.
func (b *Backoff) Reset() { b.next, b.tries = 0, 0 }

// Tries is how many delays there have been since the last success.
func (b *Backoff) Tries() int { return b.tries }

// Jitter returns d, give or take half of it.
func Jitter(d time.Duration) time.Duration { return d/2 + rand.N(max(d, 1)) }

// Pause waits for d, or until ctx ends.
func Pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
