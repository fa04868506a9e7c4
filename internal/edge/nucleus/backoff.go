package nucleus

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff waits longer after each failure, up to a bound, and never exactly
// as long as its neighbors do.
type backoff struct {
	retry Retry
	next  time.Duration
}

func (n *Nucleus) backoff() *backoff { return newBackoff(n.cfg.Retry) }

func newBackoff(retry Retry) *backoff { return &backoff{retry: retry, next: retry.Min} }

func (b *backoff) reset() { b.next = b.retry.Min }

func (b *backoff) sleep(ctx context.Context) {
	pause(ctx, jitter(b.next))
	b.next = min(2*b.next, b.retry.Max)
}

// slowly waits for what only a person can cure.
func (b *backoff) slowly(ctx context.Context) { pause(ctx, jitter(b.retry.Slow)) }

func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
