package nucleus

import (
	"context"
	"errors"
	"sync"
	"time"

	"porchlight/internal/greengrass"
)

// subscriber keeps one subscription.
type subscriber[M any] struct {
	n         *Nucleus
	needs     permission
	subscribe func(context.Context) (*greengrass.Subscription[M], error)
	handle    func(M)       // one at a time
	ready     func()        // never beside handle; may be nil
	renew     time.Duration // how often it is made anew; 0: never
}

// keep subscribes until ctx or the connection ends; it returns at once if the
// nucleus does not know the operation. The client renews on a new connection; here it is made again after
// the nucleus refused or ended it.
func (s subscriber[M]) keep(ctx context.Context) {
	log := s.n.cfg.Log.With("operation", s.needs.operation, "resource", s.needs.resource)
	wait := s.n.retries()
	for ctx.Err() == nil {
		began := time.Now()
		err := s.serve(ctx)
		if time.Since(began) > s.n.cfg.Retry.Max {
			wait.Reset()
		}
		switch {
		case ctx.Err() != nil:
			return
		case gone(err):
			return // the process is about to end
		case errors.Is(err, greengrass.ErrUnsupported):
			log.Debug("this nucleus does not ask; going without", "error", err)
			return
		case errors.Is(err, greengrass.ErrUnauthorized):
			log.Error("subscription is not allowed", "error", err, "cure", s.needs.cure())
			wait.slowly(ctx)
		case errors.Is(err, greengrass.ErrInvalidArguments):
			log.Error("subscription is refused", "error", err)
			wait.slowly(ctx)
		default:
			log.Warn("no subscription, will try again", "error", err)
			wait.sleep(ctx)
		}
	}
}

// serve makes the subscription and serves it to its end.
func (s subscriber[M]) serve(ctx context.Context) error {
	sub, err := s.subscribe(ctx)
	if err != nil {
		return err
	}
	defer sub.Close() //nolint:errcheck // there is none
	s.effective()
	var turn sync.Mutex
	var watching sync.WaitGroup
	defer watching.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watching.Go(func() { s.watch(ctx, sub, &turn) })
	for {
		message, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		turn.Lock()
		s.handle(message)
		turn.Unlock()
	}
}

// watch tells of renewals, and makes them.
func (s subscriber[M]) watch(ctx context.Context, sub *greengrass.Subscription[M], turn *sync.Mutex) {
	var due <-chan time.Time
	if s.renew > 0 {
		ticker := time.NewTicker(s.renew)
		defer ticker.Stop()
		due = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-sub.Renewals():
			turn.Lock()
			s.effective()
			turn.Unlock()
		case <-due:
			if err := sub.Renew(ctx); err != nil && ctx.Err() == nil {
				s.n.cfg.Log.Debug("subscription not renewed", "operation", s.needs.operation, "error", err)
			}
		}
	}
}

func (s subscriber[M]) effective() {
	if s.ready != nil {
		s.ready()
	}
}
