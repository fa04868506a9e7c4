package lambda

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Config is what a Service needs. Logger, Region, Functions, QueuePath and
// Credentials must be set; OnFailure must be where a function has a destination.
type Config struct {
	Logger    *slog.Logger
	Region    string
	Functions []Function

	// Endpoint becomes AWS_ENDPOINT_URL of every function.
	Endpoint string
	// Credentials returns what a function acts with. An environment is
	// replaced before its credentials expire; a zero time never expires.
	Credentials func(ctx context.Context, roleARN string) (accessKey, secret, token string, expires time.Time, err error)
	// IdleTimeout ends environments unused for as long; 0: 10 minutes.
	IdleTimeout time.Duration

	// QueuePath is the file of undelivered asynchronous invocations.
	QueuePath string
	// QueueBytes bounds the payloads waiting in it; 0: 64 MiB.
	QueueBytes int64
	// RetryDelay is the wait before the first retry, doubled for the second,
	// give or take a tenth; 0: one minute, as on AWS.
	RetryDelay time.Duration
	// OnFailure delivers an invocation record to a function's on-failure
	// destination. It is repeated until it succeeds.
	OnFailure func(ctx context.Context, destinationARN string, record []byte) error
}

// Result is the outcome of a synchronous invocation.
type Result struct {
	RequestID string
	Payload   []byte
	// FunctionError is empty for success, else "Unhandled", and Payload is
	// then {"errorType": …, "errorMessage": …}.
	FunctionError string
}

// Service runs functions. Close ends it.
type Service struct {
	cfg   Config
	pools map[string]*pool
	queue *queue

	ctx    context.Context
	cancel context.CancelFunc
	mu     sync.Mutex // guards closed against wg.Add
	closed bool
	wg     sync.WaitGroup
}

// New opens the queue, goes on with what a previous run left in it, and
// accepts invocations. Environments start when they are first needed.
func New(cfg Config) (*Service, error) {
	if cfg.Logger == nil || cfg.Credentials == nil || cfg.QueuePath == "" || cfg.Region == "" {
		return nil, errors.New("lambda: Logger, Region, Credentials and QueuePath must be set")
	}
	if cfg.IdleTimeout <= 0 {
		cfg.IdleTimeout = 10 * time.Minute
	}
	if cfg.QueueBytes <= 0 {
		cfg.QueueBytes = 64 << 20
	}
	if cfg.RetryDelay <= 0 {
		cfg.RetryDelay = time.Minute
	}
	s := &Service{cfg: cfg, pools: map[string]*pool{}}
	for _, f := range cfg.Functions {
		f, err := f.withDefaults()
		if err != nil {
			return nil, fmt.Errorf("lambda: %w", err)
		}
		if s.pools[f.Name] != nil {
			return nil, fmt.Errorf("lambda: %w: two are named %s", ErrBadFunction, f.Name)
		}
		if f.Async.Destination != "" && cfg.OnFailure == nil {
			return nil, fmt.Errorf("lambda: %w: %s has an on-failure destination and nothing delivers to it", ErrBadFunction, f.Name)
		}
		s.pools[f.Name] = newPool(f, &s.cfg)
	}
	q, err := openQueue(cfg.QueuePath, cfg.QueueBytes, cfg.Logger)
	if err != nil {
		return nil, fmt.Errorf("lambda: %w", err)
	}
	s.queue = q
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.startWorkers(); err != nil {
		return nil, errors.Join(fmt.Errorf("lambda: %w", err), s.Close())
	}
	s.track(s.reapIdle)
	return s, nil
}

// Close kills all environments, stops the workers and closes the queue. What
// is still in it is delivered by the next run.
func (s *Service) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return nil
	}
	s.cancel()
	s.wg.Wait()
	for _, p := range s.pools {
		p.close()
	}
	return s.queue.close()
}

// track runs f in a goroutine Close waits for; false after Close.
func (s *Service) track(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Go(f)
	return true
}

// Invoke runs a function, named by name or ARN, and waits for its answer. The
// function goes on when ctx ends first, as on AWS.
func (s *Service) Invoke(ctx context.Context, function string, payload []byte) (Result, error) {
	p, payload, err := s.check(function, payload, maxSyncBytes)
	if err != nil {
		return Result{}, err
	}
	type outcome struct {
		Result
		error
	}
	done := make(chan outcome, 1)
	accepted := s.track(func() {
		res, err := p.run(s.ctx, ctx.Done(), newRequestID(), payload) //nolint:contextcheck // the function outlives its caller
		done <- outcome{res, err}
	})
	if !accepted {
		return Result{}, ErrClosed
	}
	select {
	case o := <-done:
		return o.Result, o.error
	case <-ctx.Done():
		return Result{}, fmt.Errorf("waiting for function %s: %w", p.fn.Name, ctx.Err())
	}
}

func (s *Service) check(function string, payload []byte, limit int) (*pool, []byte, error) {
	p := s.pools[functionName(function)]
	if p == nil {
		return nil, nil, fmt.Errorf("%w: %s", ErrNotFound, function)
	}
	if len(payload) > limit {
		return nil, nil, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrTooLarge, len(payload), limit)
	}
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	if !json.Valid(payload) {
		return nil, nil, ErrNotJSON
	}
	return p, payload, nil
}

func (s *Service) reapIdle() {
	tick := time.NewTicker(s.cfg.IdleTimeout / 2)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, p := range s.pools {
				p.reap(time.Now().Add(-s.cfg.IdleTimeout))
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// newRequestID returns a random UUID (RFC 9562 §5.4).
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
