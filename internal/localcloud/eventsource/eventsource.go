// Package eventsource hands the messages of queues to functions, as Lambda's
// event source mappings do: in batches, so many at the same time, and each
// message until the function is done with it. A message of a batch that fails,
// or whose function is killed, stays in the queue, which shows it again after
// its visibility timeout and gives it up after so many receives.
//
// Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS"; API
// Reference, CreateEventSourceMapping. Not offered: sources other than
// standard queues, filter criteria.
package eventsource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"porchlight/internal/localcloud/sqs"
)

// ErrMapping means that a mapping cannot work, as AWS says when it is created.
var ErrMapping = errors.New("event source mapping cannot work")

const (
	defaultBatch       = 10
	defaultConcurrency = 5 // AWS's own is in the hundreds; more than this machine has use for
	leastConcurrency   = 2
	poll               = 20 * time.Second
	maxWindow          = 300 // seconds
	// grace is how long a running invocation may still go on when the machine
	// stops; what is not done by then is delivered again after the next start.
	grace   = 2 * time.Second
	backoff = time.Second // after an error that is not the function's
)

// Properties is what is honored of AWS::Lambda::EventSourceMapping.
type Properties struct {
	EventSourceArn                 string // of a queue
	FunctionName                   string // name or ARN
	BatchSize                      int    // 1 to 10 without a window
	MaximumBatchingWindowInSeconds int
	Enabled                        *bool
	FunctionResponseTypes          []string
	ScalingConfig                  struct{ MaximumConcurrency int }
	FilterCriteria                 any // refused
}

// Queues is the part of SQS that mappings use.
type Queues interface {
	Receive(ctx context.Context, queueARN string, o sqs.ReceiveOptions) ([]sqs.Message, error)
	Delete(ctx context.Context, queueARN, receiptHandle string) error
}

// Invoke runs a function and returns its answer, or what went wrong with it as
// functionError.
type Invoke func(ctx context.Context, function string, payload []byte) (answer []byte, functionError string, err error)

// Config of a Mapping. All are required.
type Config struct {
	Properties Properties
	Region     string
	Queues     Queues
	Invoke     Invoke
	Log        *slog.Logger
}

// Mapping hands the messages of one queue to one function.
type Mapping struct {
	cfg     Config
	p       Properties
	partial bool // the function names the messages that failed
	log     *slog.Logger
}

// New checks a mapping. Errors wrap ErrMapping.
func New(cfg Config) (*Mapping, error) {
	p := cfg.Properties
	bad := func(format string, a ...any) (*Mapping, error) {
		return nil, fmt.Errorf("%w: %s: %s", ErrMapping, p.FunctionName, fmt.Sprintf(format, a...))
	}
	if p.BatchSize == 0 {
		p.BatchSize = defaultBatch
	}
	most := 10
	if p.MaximumBatchingWindowInSeconds > 0 {
		most = 10000
	}
	if p.ScalingConfig.MaximumConcurrency == 0 {
		p.ScalingConfig.MaximumConcurrency = defaultConcurrency
	}
	m := &Mapping{cfg: cfg, log: cfg.Log.With("function", p.FunctionName, "queue", p.EventSourceArn)}
	switch {
	case p.EventSourceArn == "" || p.FunctionName == "":
		return bad("it needs a queue and a function")
	case p.BatchSize < 1 || p.BatchSize > most:
		return bad("BatchSize %d is not within 1 to %d", p.BatchSize, most)
	case p.MaximumBatchingWindowInSeconds < 0 || p.MaximumBatchingWindowInSeconds > maxWindow:
		return bad("MaximumBatchingWindowInSeconds %d is not within 0 to %d", p.MaximumBatchingWindowInSeconds, maxWindow)
	case p.ScalingConfig.MaximumConcurrency < leastConcurrency:
		return bad("MaximumConcurrency %d is less than %d", p.ScalingConfig.MaximumConcurrency, leastConcurrency)
	case p.FilterCriteria != nil:
		return bad("filter criteria are not offered here")
	}
	for _, kind := range p.FunctionResponseTypes {
		if kind != "ReportBatchItemFailures" {
			return bad("response type %q is not known", kind)
		}
		m.partial = true
	}
	m.p = p
	return m, nil
}

// Run hands on messages until ctx ends, and returns once nothing is under way.
func (m *Mapping) Run(ctx context.Context) {
	if m.p.Enabled != nil && !*m.p.Enabled {
		return
	}
	slots := make(chan struct{}, m.p.ScalingConfig.MaximumConcurrency)
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case slots <- struct{}{}: // before receiving, for what is received is hidden from then on
		case <-ctx.Done():
			return
		}
		batch, err := m.gather(ctx)
		if err != nil || len(batch) == 0 {
			<-slots
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				m.log.Error("queue cannot be received from, trying again", "err", err)
				pause(ctx, backoff)
			}
			continue
		}
		running.Go(func() {
			defer func() { <-slots }()
			m.handle(ctx, batch)
		})
	}
}

// gather receives a batch: what there is at once, or, with a window, what comes
// within it.
func (m *Mapping) gather(ctx context.Context) (batch []sqs.Message, err error) {
	wait := poll
	window := time.Duration(m.p.MaximumBatchingWindowInSeconds) * time.Second
	var end time.Time
	for len(batch) < m.p.BatchSize {
		got, err := m.cfg.Queues.Receive(ctx, m.p.EventSourceArn, sqs.ReceiveOptions{Max: min(10, m.p.BatchSize-len(batch)), Wait: &wait})
		switch {
		case err != nil && len(batch) == 0:
			return nil, err
		case err != nil:
			return batch, nil //nolint:nilerr // what there is must be handed over; the next receive fails again
		}
		batch = append(batch, got...)
		if len(batch) == 0 || window == 0 {
			break
		}
		if end.IsZero() {
			end = time.Now().Add(window)
		}
		if wait = min(poll, time.Until(end)); wait <= 0 {
			break
		}
	}
	return batch, nil
}

func (m *Mapping) handle(ctx context.Context, batch []sqs.Message) {
	payload, err := m.event(batch)
	if err != nil { // five texts always marshal
		m.log.Error("batch cannot be written", "err", err)
		return
	}
	call, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	defer stop()
	answer, functionError, err := m.cfg.Invoke(call, m.p.FunctionName, payload)
	switch {
	case err != nil:
		if ctx.Err() == nil {
			m.log.Error("function could not be run, its messages come again", "messages", len(batch), "err", err)
			pause(ctx, backoff)
		}
		return
	case functionError != "":
		m.log.Warn("function failed, its messages come again", "messages", len(batch), "error", string(answer))
		return
	}
	failed, err := m.failures(answer, batch)
	if err != nil {
		m.log.Warn("function says in a wrong way what failed, all messages come again", "messages", len(batch), "err", err)
		return
	}
	for _, message := range batch {
		if failed[message.ID] {
			continue
		}
		if err := m.cfg.Queues.Delete(context.WithoutCancel(ctx), m.p.EventSourceArn, message.ReceiptHandle); err != nil {
			m.log.Error("message cannot be deleted and comes again", "message_id", message.ID, "err", err)
		}
	}
	if len(failed) > 0 {
		m.log.Info("messages failed and come again", "messages", len(failed), "of", len(batch))
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
