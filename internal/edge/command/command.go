// Package command carries out what the cloud asks of this device: it hears
// the thing's commands topic, gives each command to its handler once, however
// often it is delivered, and answers on the replies topic.
//
// Commands to one camera are carried out one after the other, those to
// different cameras side by side. One that came too late is not begun.
package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"porchlight/internal/event"
)

// Link is the connection to IoT Core.
type Link interface {
	// Subscribe keeps a subscription over reconnects until ctx ends. The
	// handler is called with one message at a time; ready, which may be nil,
	// whenever the subscription is in effect again.
	Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func()) error
}

// Handler carries out one command. What it returns goes into the reply. An
// error that wraps ErrUnsupported or ErrRejected is answered as such, any
// other one as a failure; its text is shown to the owner.
type Handler func(ctx context.Context, c event.Command) (result map[string]any, err error)

// Errors for handlers to wrap.
var (
	ErrUnsupported = errors.New("this device cannot do that")
	ErrRejected    = errors.New("the command makes no sense here")
)

// Config of a runner. Thing, Link, Put and Log are required.
type Config struct {
	Thing    string
	Link     Link
	Put      func(topic string, payload []byte) error // takes replies; they must survive a broken connection
	Handlers map[event.CommandName]Handler
	Missing  map[event.CommandName]string // why there is no handler, for people
	Timeout  time.Duration                // of one command; default 30 s
	Now      func() time.Time             // for tests; default time.Now
	Log      *slog.Logger
}

// Bounds of a runner.
const (
	mostWaiting  = 64        // commands not yet begun
	mostAtOnce   = 4         // cameras at work at the same time
	mostRemember = 1000      // request ids, with their replies
	mostAhead    = time.Hour // between now and a command's expiry
)

// Run carries out commands until ctx ends, and returns once every handler
// has. It fails when the subscription does.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r := &runner{
		cfg: cfg, lanes: map[string][]event.Command{},
		slots: make(chan struct{}, mostAtOnce), known: newMemory(mostRemember),
	}
	defer r.working.Wait()
	err := cfg.Link.Subscribe(ctx, event.Topic(cfg.Thing, event.ChannelCommands), func(_ string, payload []byte) { r.receive(ctx, payload) }, nil)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("listen for commands: %w", err)
	}
	<-ctx.Done()
	r.stop()
	return nil
}

// runner is Run's state.
type runner struct {
	cfg     Config
	slots   chan struct{}
	working sync.WaitGroup

	mu      sync.Mutex
	lanes   map[string][]event.Command // by camera: what waits, while a worker is at it
	waiting int
	stopped bool
	known   *memory
}

// receive takes in one message. It never waits for a handler.
func (r *runner) receive(ctx context.Context, payload []byte) {
	c, err := event.ParseCommand(payload)
	if c == nil {
		r.cfg.Log.Warn("a command could not be read and nobody to answer it to", "error", err)
		return
	}
	log := r.cfg.Log.With("request", c.RequestID, "command", c.Command, "camera", c.Camera)
	r.mu.Lock()
	if r.stopped {
		r.mu.Unlock()
		return
	}
	reply, seen := r.known.recall(c.RequestID)
	if !seen {
		r.known.begin(c.RequestID)
	}
	r.mu.Unlock()
	switch {
	case seen && reply == nil:
		log.Info("command was delivered again while it waits or runs")
	case seen:
		log.Info("command was delivered again, its reply is repeated")
		r.put(log, reply)
	case err != nil:
		r.answer(*c, event.ReplyRejected, err.Error(), nil)
	default:
		if state, message := r.judge(*c); state != "" {
			r.answer(*c, state, message, nil)
			return
		}
		log.Info("command")
		r.enqueue(ctx, *c)
	}
}

// judge returns what to answer to a command that is not to be carried out.
func (r *runner) judge(c event.Command) (state event.ReplyState, message string) {
	if thing, _, err := event.SplitCamera(c.Camera); c.Camera != "" && (err != nil || thing != r.cfg.Thing) {
		return event.ReplyRejected, fmt.Sprintf("camera %s is not one of %s", c.Camera, r.cfg.Thing)
	}
	if r.cfg.Handlers[c.Command] == nil {
		why := r.cfg.Missing[c.Command]
		if why == "" {
			why = fmt.Sprintf("this device does not know the command %s", c.Command)
		}
		return event.ReplyUnsupported, why
	}
	now := r.cfg.Now()
	if ahead := c.ExpiresAt.Sub(now); ahead > mostAhead {
		return event.ReplyRejected, fmt.Sprintf("it expires at %s, more than an hour from now: this device's clock says %s: set the clock, or a nearer expiry",
			c.ExpiresAt, event.At(now))
	}
	return r.expired(c)
}

func (r *runner) expired(c event.Command) (state event.ReplyState, message string) {
	now := r.cfg.Now()
	if c.ExpiresAt.After(now) {
		return "", ""
	}
	return event.ReplyExpired, fmt.Sprintf("it expired at %s, and this device's clock says %s: nothing was done", c.ExpiresAt, event.At(now))
}

// enqueue puts a command at the end of its camera's lane.
func (r *runner) enqueue(ctx context.Context, c event.Command) {
	r.mu.Lock()
	if r.stopped || r.waiting >= mostWaiting {
		r.mu.Unlock()
		r.answer(c, event.ReplyRejected, fmt.Sprintf("%d commands wait already: try again later", mostWaiting), nil)
		return
	}
	r.waiting++
	lane, busy := r.lanes[c.Camera]
	r.lanes[c.Camera] = append(lane, c)
	if !busy {
		r.working.Go(func() { r.work(ctx, c.Camera) })
	}
	r.mu.Unlock()
}

// work empties one camera's lane.
func (r *runner) work(ctx context.Context, camera string) {
	for {
		r.slots <- struct{}{} // workers give it back, so this ends
		r.mu.Lock()
		lane := r.lanes[camera]
		if len(lane) == 0 {
			delete(r.lanes, camera)
			r.mu.Unlock()
			<-r.slots
			return
		}
		c := lane[0]
		r.lanes[camera] = lane[1:]
		r.waiting--
		r.mu.Unlock()
		r.carryOut(ctx, c)
		<-r.slots
	}
}

// stop refuses what comes later; work answers what waits.
func (r *runner) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
}
