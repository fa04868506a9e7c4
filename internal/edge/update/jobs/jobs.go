// Package jobs is a device's side of AWS IoT Jobs over MQTT: it hears that
// there is work, asks for the next job and reports how it goes.
//
// Protocol: https://docs.aws.amazon.com/iot/latest/developerguide/jobs-mqtt-api.html
package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"porchlight/internal/event"
)

// Link is the connection to IoT Core.
type Link interface {
	Publish(ctx context.Context, topic string, payload []byte) error
	// Subscribe keeps a subscription over reconnects until ctx ends. The
	// handler is called with one message at a time; ready, which may be nil,
	// whenever the subscription is in effect again.
	Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func()) error
}

// Status of a job execution.
type Status string

// The statuses of an execution; all but the first two are final.
const (
	Queued     Status = "QUEUED"
	InProgress Status = "IN_PROGRESS"
	Succeeded  Status = "SUCCEEDED"
	Failed     Status = "FAILED"
	Rejected   Status = "REJECTED"
	TimedOut   Status = "TIMED_OUT"
	Removed    Status = "REMOVED"
	Canceled   Status = "CANCELED"
)

// Final says whether nothing can change the status any more.
func (s Status) Final() bool { return s != Queued && s != InProgress }

// Execution is one job for this thing.
type Execution struct {
	JobID    string          `json:"jobId"`
	Number   int64           `json:"executionNumber"`
	Version  int64           `json:"versionNumber"` // counts updates
	Status   Status          `json:"status"`
	Document json.RawMessage `json:"jobDocument"`
}

// Errors of a client. Any other one may pass when tried again.
var (
	ErrNoJob = errors.New("no job waits")
	ErrGone  = errors.New("the job is over: it was canceled, removed, or timed out")
	// ErrRefused is an update that the service will never take.
	ErrRefused  = errors.New("refused by the jobs service")
	ErrNoAnswer = errors.New("no answer from the jobs service")
)

// Config of a client. Thing, Link and Log are required.
type Config struct {
	Thing   string
	Link    Link
	Timeout time.Duration // of one request; default 15 s
	Log     *slog.Logger
}

// Client speaks with the jobs service. It is safe for concurrent use.
type Client struct {
	cfg  Config
	root string        // of the thing's topics
	news chan struct{} // holds one

	mu      sync.Mutex
	waiting map[string]chan answer // by client token
	inForce map[string]bool        // filters that are subscribed
	up      chan struct{}          // closed once all are
}

// New returns a client that is not connected before Run.
func New(cfg Config) *Client {
	if cfg.Timeout == 0 {
		cfg.Timeout = 15 * time.Second
	}
	return &Client{
		cfg: cfg, root: "$aws/things/" + cfg.Thing + "/jobs/", news: make(chan struct{}, 1),
		waiting: map[string]chan answer{}, inForce: map[string]bool{}, up: make(chan struct{}),
	}
}

func (c *Client) filters() []string {
	return []string{c.root + "notify-next", c.root + "start-next/+", c.root + "+/update/+"}
}

// Run keeps the subscriptions until ctx ends.
func (c *Client) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var listening sync.WaitGroup
	for _, filter := range c.filters() {
		listening.Go(func() {
			err := c.cfg.Link.Subscribe(ctx, filter, c.receive, func() { c.ready(filter) })
			if err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("listen for jobs on %s: %w", filter, err))
			}
		})
	}
	<-ctx.Done()
	listening.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// News holds a token when a job may wait that did not before, and when the
// connection is there again.
func (c *Client) News() <-chan struct{} { return c.news }

// Up is closed once the service can be heard for the first time.
func (c *Client) Up() <-chan struct{} { return c.up }

func (c *Client) ready(filter string) {
	c.mu.Lock()
	first := !c.inForce[filter]
	c.inForce[filter] = true
	if first && len(c.inForce) == len(c.filters()) {
		close(c.up)
	}
	c.mu.Unlock()
	c.wake()
}

func (c *Client) wake() {
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// answer is accepted or rejected.
type answer struct {
	accepted bool
	body     response
}

// response holds what any answer may hold.
type response struct {
	ClientToken string     `json:"clientToken"`
	Execution   *Execution `json:"execution"` // of start-next
	Code        string     `json:"code"`      // of a rejection
	Message     string     `json:"message"`
	State       struct {
		Status  Status `json:"status"`
		Version int64  `json:"versionNumber"`
	} `json:"executionState"` // of an update
}

// receive takes in one message. It never waits.
func (c *Client) receive(topic string, payload []byte) {
	if topic == c.root+"notify-next" {
		c.wake()
		return
	}
	var body response
	if err := json.Unmarshal(payload, &body); err != nil {
		c.cfg.Log.Warn("an answer of the jobs service cannot be read", "topic", topic, "error", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if waiter, expected := c.waiting[body.ClientToken]; expected {
		delete(c.waiting, body.ClientToken)
		waiter <- answer{strings.HasSuffix(topic, "/accepted"), body} // it has room
	}
}

// call sends a request and waits for its answer.
func (c *Client) call(ctx context.Context, topic string, request map[string]any) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeout, ErrNoAnswer)
	defer cancel()
	token := event.NewID(time.Now())
	request["clientToken"] = token
	payload, err := json.Marshal(request)
	if err != nil {
		return answer{}, err
	}
	waiter := make(chan answer, 1)
	c.mu.Lock()
	c.waiting[token] = waiter
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, token)
	}()
	if err := c.cfg.Link.Publish(ctx, topic, payload); err != nil {
		return answer{}, fmt.Errorf("ask the jobs service: %w", err)
	}
	select {
	case a := <-waiter:
		return a, nil
	case <-ctx.Done():
		return answer{}, fmt.Errorf("ask the jobs service: %w", context.Cause(ctx))
	}
}

// validJobID is AWS' pattern; an id becomes part of topics.
func validJobID(id string) bool { return regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`).MatchString(id) }
