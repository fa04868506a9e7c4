package greengrass

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"porchlight/internal/backoff"
)

// Client is a component's connection to its nucleus. It is safe for use by
// many goroutines.
//
// When the connection breaks, calls under way and calls made meanwhile fail
// with ErrDisconnected and none is repeated, for the client cannot know
// whether the nucleus carried it out: what must not be lost is spooled by the
// caller. The client dials again with the same token and then renews
// every subscription; events in between are lost, which Stats.Renewed tells,
// and configuration subscriptions get one event so that the reader reads
// again. A nucleus that restarted refuses the token: then the client ends with
// ErrTokenVoid, see Done, and the process has to exit, see Restarts.
type Client struct {
	cfg  Config
	stop context.CancelFunc
	done chan struct{}

	mu      sync.Mutex
	current *session // nil while there is no connection
	subs    []*feed
	err     error // why it ended
}

// Connect waits until the nucleus accepts the component. ctx bounds that alone;
// Close ends the client.
func Connect(ctx context.Context, cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s, err := dial(ctx, cfg)
	if err != nil {
		return nil, err
	}
	// The client outlives the context that bounded connecting.
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	c := &Client{cfg: cfg, stop: stop, done: make(chan struct{}), current: s}
	go c.run(run, s)
	return c, nil
}

// Done is closed when the client has ended for good; Err says why.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is nil while the client lives, ErrClosed after Close, and wraps
// ErrTokenVoid when the process has to be restarted.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection and all subscriptions and waits for the client's
// goroutines.
func (c *Client) Close() error {
	c.stop()
	<-c.done
	return nil
}

// Ping waits until the nucleus answers a ping. The Java nucleus answers; of
// nucleus lite it is not known, so without a deadline it waits for
// Config.CallTimeout.
func (c *Client) Ping(ctx context.Context) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	s, err := c.session()
	if err != nil {
		return err
	}
	return s.ping(ctx)
}

// run keeps a connection up until ctx ends or the token is void.
func (c *Client) run(ctx context.Context, s *session) {
	defer close(c.done)
	pause := c.cfg.MinRedial
	for {
		began := time.Now()
		c.live(ctx, s)
		if ctx.Err() != nil {
			c.finish(ErrClosed)
			return
		}
		c.cfg.Log.Warn("connection to the Greengrass nucleus lost", "err", s.reason())
		c.attach(nil)
		// A connection that is cut as soon as it is up is not made again at once.
		if time.Since(began) > c.cfg.MaxRedial {
			pause = c.cfg.MinRedial
		}
		backoff.Pause(ctx, backoff.Jitter(pause))
		pause = min(2*pause, c.cfg.MaxRedial)
		var err error
		if s, err = dial(ctx, c.cfg); err != nil {
			if ctx.Err() != nil {
				err = ErrClosed
			}
			c.finish(err)
			return
		}
		c.attach(s)
	}
}

// live serves a connection to its end, renewing the subscriptions of
// the one before.
func (c *Client) live(ctx context.Context, s *session) {
	stop := context.AfterFunc(ctx, func() { s.fail(ErrClosed) })
	defer stop()
	var renewing sync.WaitGroup
	renewing.Go(func() { c.renewAll(ctx, s) })
	_ = s.serve() // s.reason tells it again
	renewing.Wait()
}

func (c *Client) renewAll(ctx context.Context, s *session) {
	c.mu.Lock()
	subs := slices.Clone(c.subs)
	c.mu.Unlock()
	for _, f := range subs {
		if f.isOn(s) {
			continue // made meanwhile
		}
		err := f.renew(ctx, s)
		var refusal *RemoteError
		switch {
		case err == nil, f.over():
		case errors.As(err, &refusal):
			c.cfg.Log.Error("subscription not renewed", "operation", f.operation, "err", err)
			f.end(fmt.Errorf("%w: it was refused after a reconnect: %w", ErrEnded, err))
		default: // no answer: the next connection renews it and those after it
			s.fail(err)
			return
		}
	}
}

func (c *Client) attach(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = s
}

// finish ends everything for good.
func (c *Client) finish(err error) {
	c.mu.Lock()
	c.err, c.current = err, nil
	subs := c.subs
	c.subs = nil
	c.mu.Unlock()
	for _, f := range subs {
		f.end(err)
	}
}

// session is the connection that is up.
func (c *Client) session() (*session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return nil, c.err
	case c.current == nil:
		return nil, ErrDisconnected
	}
	return c.current, nil
}

// register makes a subscription one that is renewed, unless the connection it
// was made on has been replaced.
func (c *Client) register(f *feed, s *session) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return c.err
	case c.current != s:
		return ErrDisconnected
	}
	if !f.over() { // else it was ended before it began
		c.subs = append(c.subs, f)
	}
	return nil
}

func (c *Client) unregister(f *feed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subs = slices.DeleteFunc(c.subs, func(other *feed) bool { return other == f })
}

// bounded gives a context without a deadline one.
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.cfg.CallTimeout)
}
