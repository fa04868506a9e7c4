package spool

import (
	"context"
	"time"

	"porchlight/internal/backoff"
)

// retries waits longer after each failure, up to a bound, and never exactly
// as long as its neighbors do.
type retries struct {
	first, longest time.Duration
	next           time.Duration
	tries          int
	told           string
}

const (
	firstWait   = 250 * time.Millisecond
	longestWait = 15 * time.Second
	firstBusy   = 50 * time.Millisecond
	longestBusy = time.Second
	manyBusy    = 30 // tries in a row, about half a minute
)

func newRetries(first, longest time.Duration) *retries {
	b := &retries{first: first, longest: longest}
	b.reset()
	return b
}

func (b *retries) reset() { b.next, b.tries, b.told = b.first, 0, "" }

// news reports whether an error is worth a line in the log: a new one is, and
// an old one now and then.
func (b *retries) news(err error) bool {
	const nowAndThen = 100 // tries, about half an hour
	news := b.told != err.Error() && b.tries < nowAndThen || b.tries%nowAndThen == 0
	b.told = err.Error()
	return news
}

func (b *retries) sleep(ctx context.Context) error {
	d := backoff.Jitter(b.next)
	b.next = min(2*b.next, b.longest)
	b.tries++
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
