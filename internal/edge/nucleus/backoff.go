package nucleus

import (
	"context"

	"porchlight/internal/backoff"
)

// retries waits longer after each failure, up to a bound.
type retries struct {
	backoff.Backoff
	retry Retry
}

func (n *Nucleus) retries() *retries { return newRetries(n.cfg.Retry) }

func newRetries(retry Retry) *retries {
	return &retries{backoff.Backoff{Min: retry.Min, Max: retry.Max}, retry}
}

func (r *retries) sleep(ctx context.Context) { backoff.Pause(ctx, r.Delay()) }

// slowly waits for what only a person can cure.
func (r *retries) slowly(ctx context.Context) { backoff.Pause(ctx, backoff.Jitter(r.retry.Slow)) }
