package lambda

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// credentialMargin is how long before its credentials expire an environment
// is no longer used; a function's longest timeout (15 min) fits into what
// AWS-like sessions (an hour or more) leave.
const credentialMargin = 5 * time.Minute

// pool is the environments of one function.
type pool struct {
	fn    Function
	cfg   *Config
	slots chan struct{} // one per running invocation
	async *schedule

	mu   sync.Mutex
	idle []*environment // the most recently used last
}

func newPool(fn Function, cfg *Config) *pool {
	return &pool{fn: fn, cfg: cfg, slots: make(chan struct{}, fn.MaxConcurrency), async: newSchedule()}
}

// run takes a warm environment or starts one, and hands it the payload. The
// wait for a free slot also ends when giveUp is closed.
func (p *pool) run(ctx context.Context, giveUp <-chan struct{}, requestID string, payload []byte) (Result, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-giveUp:
		return Result{}, context.Canceled
	case <-ctx.Done():
		return Result{}, ErrClosed
	}
	for {
		env, warm := p.takeIdle()
		if !warm {
			var err error
			if env, err = p.start(ctx); err != nil {
				return Result{}, err
			}
		}
		res, err := env.invoke(ctx, requestID, payload)
		if errors.Is(err, errNotDelivered) {
			env.stop()
			if warm {
				continue // it died while idle: nobody has seen the payload yet
			}
			return env.exitResult(requestID), nil
		}
		if env.alive() && ctx.Err() == nil {
			p.putIdle(env)
		} else {
			env.stop()
		}
		return res, err
	}
}

func (p *pool) start(ctx context.Context) (*environment, error) {
	key, secret, token, expires, err := p.cfg.Credentials(ctx, p.fn.Role)
	if err != nil {
		return nil, fmt.Errorf("credentials of role %s for function %s: %w", p.fn.Role, p.fn.Name, err)
	}
	env := environ(p.fn, p.cfg, key, secret, token)
	return startEnvironment(ctx, p.fn, env, expires, p.cfg.Logger)
}

func (p *pool) takeIdle() (*environment, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		env := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if env.alive() && !env.stale(time.Now()) {
			return env, true
		}
		env.stop()
	}
	return nil, false
}

func (p *pool) putIdle(env *environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	env.idleSince = time.Now()
	p.idle = append(p.idle, env)
}

// reap stops what was last used before then, has died or is about to expire.
func (p *pool) reap(then time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.idle[:0]
	for _, env := range p.idle {
		if env.idleSince.Before(then) || !env.alive() || env.stale(time.Now()) {
			env.stop()
		} else {
			kept = append(kept, env)
		}
	}
	clear(p.idle[len(kept):])
	p.idle = kept
}

func (p *pool) close() { p.reap(time.Now().Add(time.Hour)) }
