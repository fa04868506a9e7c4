package lambda

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Why an invocation went to its on-failure destination.
const (
	retriesExhausted = "RetriesExhausted"
	eventAgeExceeded = "EventAgeExceeded"
)

// maxBackoff bounds the wait after failures that are not the function's.
const maxBackoff = 5 * time.Minute

// InvokeAsync returns once the payload is on disk. The function, named by name
// or ARN, then runs at least once; see AsyncConfig for what follows a failure.
func (s *Service) InvokeAsync(ctx context.Context, function string, payload []byte) error {
	_, err := s.enqueue(ctx, function, payload)
	return err
}

func (s *Service) enqueue(ctx context.Context, function string, payload []byte) (requestID string, err error) {
	p, payload, err := s.check(function, payload, maxAsyncBytes)
	if err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	now := time.Now()
	m := &message{RequestID: newRequestID(), Function: p.fn.Name, Payload: payload, Accepted: now, NotBefore: now}
	// Under wg so that Close waits until this write is done.
	if !s.hold() {
		return "", ErrClosed
	}
	defer s.wg.Done()
	if err := s.queue.add(m); err != nil {
		return "", err
	}
	p.async.push(m)
	return m.RequestID, nil
}

func (s *Service) hold() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.wg.Add(1)
	}
	return !s.closed
}

// startWorkers goes on with what is in the queue, with as many workers per
// function as it may have environments.
func (s *Service) startWorkers() error {
	orphans := map[string]int{}
	err := s.queue.load(func(m *message) {
		if p := s.pools[m.Function]; p != nil {
			p.async.push(m)
		} else {
			orphans[m.Function]++
		}
	})
	if err != nil {
		return err
	}
	for name, n := range orphans {
		s.cfg.Logger.Warn("invocations kept for a function that no longer exists", "function", name, "count", n)
	}
	for _, p := range s.pools {
		for range p.fn.MaxConcurrency {
			s.track(func() {
				for m := p.async.pop(s.ctx); m != nil; m = p.async.pop(s.ctx) {
					s.deliver(p, m)
				}
			})
		}
	}
	return nil
}

// deliver makes one attempt and settles, delays or gives up the message.
func (s *Service) deliver(p *pool, m *message) {
	log := s.cfg.Logger.With("function", p.fn.Name, "request_id", m.RequestID)
	if m.Failed == nil && time.Since(m.Accepted) > p.fn.Async.MaxAge {
		s.giveUp(log, p, m, eventAgeExceeded, Result{})
		return
	}
	if m.Failed != nil {
		s.report(log, p, m)
		return
	}
	res, err := p.run(s.ctx, nil, m.RequestID, m.Payload)
	switch {
	case err == nil && res.FunctionError == "":
		s.queue.settle(m)
	case s.ctx.Err() != nil: // shutting down: the next run tries again
	case err != nil:
		log.Error("function could not be started, trying again", "error", err)
		s.later(log, p, m, backoff(&m.systemFailures))
	default:
		m.Attempts++
		log.Warn("asynchronous invocation failed", "attempt", m.Attempts, "error", string(res.Payload))
		if m.Attempts > *p.fn.Async.Retries {
			s.giveUp(log, p, m, retriesExhausted, res)
			return
		}
		s.later(log, p, m, jitter(s.cfg.RetryDelay<<(m.Attempts-1)))
	}
}

func (s *Service) giveUp(log *slog.Logger, p *pool, m *message, condition string, res Result) {
	if p.fn.Async.Destination == "" {
		log.Error("asynchronous invocation dropped: no on-failure destination is configured", "condition", condition)
		s.queue.settle(m)
		return
	}
	record, err := json.Marshal(failureRecord(p.fn, m, condition, res))
	if err != nil { // the function answered with something that is not JSON
		log.Error("on-failure record", "error", err)
		s.queue.settle(m)
		return
	}
	m.Failed = record
	s.report(log, p, m)
}

func (s *Service) report(log *slog.Logger, p *pool, m *message) {
	if err := s.cfg.OnFailure(s.ctx, p.fn.Async.Destination, m.Failed); err != nil {
		log.Error("on-failure destination refused the record, trying again", "destination", p.fn.Async.Destination, "error", err)
		s.later(log, p, m, backoff(&m.systemFailures))
		return
	}
	s.queue.settle(m)
}

// later stores what is known about m and schedules its next attempt.
func (s *Service) later(log *slog.Logger, p *pool, m *message, wait time.Duration) {
	m.NotBefore = time.Now().Add(wait)
	if err := s.queue.update(m); err != nil { // the attempt is then repeated after a restart
		log.Error("queue", "error", err)
	}
	p.async.push(m)
}

// backoff is 1 s, 2 s, 4 s … up to maxBackoff.
func backoff(failures *int) time.Duration {
	wait := min(time.Second<<min(*failures, 16), maxBackoff)
	*failures++
	return jitter(wait)
}

func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}
