package spool

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff waits longer after each failure, up to a bound, and never exactly
// as long as its neighbors do.
type backoff struct{ next time.Duration }

const (
	firstWait   = 250 * time.Millisecond
	longestWait = 15 * time.Second
)

func newBackoff() *backoff { return &backoff{next: firstWait} }

func (b *backoff) reset() { b.next = firstWait }

func (b *backoff) sleep(ctx context.Context) error {
	d := b.next/2 + rand.N(b.next)
	b.next = min(2*b.next, longestWait)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
