package producer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"porchlight/internal/backoff"
)

// ErrAbandon is the cause with which to end the context of Run where nothing
// more may be sent, not even the end of a fragment.
var ErrAbandon = errors.New("upload is abandoned")

func abandoned(ctx context.Context) bool { return errors.Is(context.Cause(ctx), ErrAbandon) }

// Run uploads until ctx ends, then completes the fragment under way.
func (p *Producer) Run(ctx context.Context) error {
	watch := p.cfg.Ring.Watch()
	defer watch.Close()
	var others sync.WaitGroup
	defer others.Wait()
	saving, saved := context.WithCancel(context.WithoutCancel(ctx))
	defer saved() // with the last acknowledgements
	others.Go(func() { p.save(saving) })
	others.Go(func() { p.verify(ctx) })
	retry := backoff.Backoff{Min: p.timing.RetryMin, Max: p.timing.RetryMax}
	renewEndpoint, refused := false, 0
	for ctx.Err() == nil {
		f, g := p.pick(ctx, 0)
		if f == nil {
			p.rest()
			select {
			case <-ctx.Done():
			case <-watch.C:
			case <-p.changed:
			}
			continue
		}
		began := time.Now()
		c, err := p.upload(ctx, watch, f, g, renewEndpoint)
		if err == nil || ctx.Err() != nil {
			retry.Reset()
			continue
		}
		renewEndpoint = c == nil || !c.answered()
		served := c != nil && (c.persisted.Load() || c.answered() && time.Since(began) > time.Second)
		if served {
			retry.Reset()
			refused = 0
		}
		wait, grave := time.Duration(0), false
		switch reactionTo(err) {
		case reauthorize:
			if i, ok := p.cfg.Credentials.(interface{ Invalidate() }); ok {
				i.Invalidate()
			}
			refused++
			grave = refused > 1
		case slow:
			grave = true
		}
		switch {
		case grave:
			wait = backoff.Jitter(p.timing.RetrySlow)
		case !served:
			wait = retry.Delay()
		}
		p.retry(ctx, err, wait, grave)
	}
	return nil
}

// retry says what went wrong, once while it stays the same, and waits.
func (p *Producer) retry(ctx context.Context, err error, wait time.Duration, grave bool) {
	state := Waiting
	if grave {
		state = Faulty
	}
	p.setState(state, err)
	p.mu.Lock()
	p.stats.Retries++
	trouble := fmt.Sprint(state, err)
	known := p.trouble == trouble
	p.trouble = trouble
	p.mu.Unlock()
	log := p.log.With("error", err, "in", wait.Round(time.Millisecond).String())
	switch {
	case known:
		log.Debug("upload is tried again")
	case grave:
		log.Error("upload has to wait for help")
	case errors.Is(err, ErrRefused), errors.Is(err, ErrRequest):
		log.Warn("upload is tried again")
	default:
		log.Info("upload is tried again") // networks come and go
	}
	if wait > 0 {
		backoff.Pause(ctx, wait)
	}
}
