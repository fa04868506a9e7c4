package signaling

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"porchlight/internal/backoff"
)

// Run keeps the client connected until ctx ends, and returns why it did.
func (c *Client) Run(ctx context.Context) error {
	var background sync.WaitGroup
	defer background.Wait()
	defer c.state(Stopped)
	if c.role == Master {
		background.Go(func() { c.keepICE(ctx) })
	}
	r := retry{
		fast:  backoff.Backoff{Min: c.timing.RetryMin, Max: c.timing.RetryMax},
		slow:  backoff.Backoff{Min: c.timing.RetrySlow, Max: c.timing.RetrySlow},
		stand: backoff.Backoff{Min: c.timing.Standby, Max: max(maxStandby, c.timing.Standby)},
	}
	for ctx.Err() == nil {
		c.state(Connecting)
		err := c.once(ctx, &r)
		if ctx.Err() != nil {
			break
		}
		if wait := c.react(&r, err); wait > 0 {
			backoff.Pause(ctx, wait)
		}
	}
	return ctx.Err()
}

// retry is what a client has learned from its last attempts.
type retry struct {
	fast, slow, stand backoff.Backoff
	renew             bool // the endpoints are to be asked for again
	denied            int  // refusals in a row
	troubled          bool // which has been said
}

// once connects and stays until that ends.
func (c *Client) once(ctx context.Context, r *retry) error {
	on, err := c.dial(ctx, r.renew)
	if err != nil {
		return err
	}
	r.renew, r.denied = false, 0
	c.count(func(s *Stats) { s.Connects++ })
	c.state(Connected)
	if r.troubled {
		r.troubled = false
		c.log.Info("signaling works again")
	}
	err = c.attend(ctx, on)
	if errors.Is(err, ErrConnection) {
		c.count(func(s *Stats) { s.Lost++ })
	}
	lasted := time.Since(on.began)
	if errors.Is(err, errPlanned) && lasted <= c.timing.Steady {
		err = fmt.Errorf("%w: the service wants it replaced at once", ErrConnection) // not for ever
	}
	if lasted > c.timing.Steady {
		r.fast.Reset()
	}
	if lasted > c.timing.Idle {
		r.stand.Reset()
	}
	return err
}

// react returns how long to wait after the end of a connection or attempt.
func (c *Client) react(r *retry, err error) time.Duration {
	if errors.Is(err, errPlanned) {
		return 0
	}
	c.count(func(s *Stats) { s.Fault = err })
	if errors.Is(err, ErrReplaced) {
		c.count(func(s *Stats) { s.Replaced++ })
		c.state(StandingBy)
		wait := r.stand.Delay()
		c.log.Error("another has taken this client's place on the signaling channel: see that one device alone has this camera", "retry", wait.Round(time.Second))
		return wait
	}
	wait := &r.fast
	var no *refusal
	switch {
	case errors.Is(err, ErrChannel):
		wait, r.renew = &r.slow, true
	case errors.As(err, &no):
		wait = c.refused(r, no)
	case errors.Is(err, ErrConnection):
		r.renew = r.renew || r.fast.Tries() > 0 // a second time in a row it may be the address
	}
	delay := wait.Delay()
	if r.troubled {
		c.log.Debug("signaling", "error", err, "retry", delay)
	} else if r.troubled = r.fast.Tries() > 1 || wait == &r.slow; r.troubled {
		c.log.Warn("no signaling: viewers cannot connect", "error", err, "retry", delay)
	}
	return delay
}

// refused handles a no of the service to a connection.
func (c *Client) refused(r *retry, no *refusal) *backoff.Backoff {
	switch {
	case no.status == http.StatusUnauthorized || no.status == http.StatusForbidden:
		if p, ok := c.cfg.Credentials.(interface{ Invalidate() }); ok {
			p.Invalidate()
		}
		if r.denied++; r.denied > 1 {
			return &r.slow
		}
	case no.status == http.StatusNotFound:
		r.renew = true
	case no.status == http.StatusBadRequest && no.kind != "ClientLimitExceededException":
		r.renew = true
		return &r.slow
	}
	return &r.fast
}
