package nucleus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/greengrass"
)

// Environment variables that a nucleus sets beside those of the IPC.
const (
	thingVariable         = "AWS_IOT_THING_NAME"
	regionVariable        = "AWS_REGION"
	defaultRegionVariable = "AWS_DEFAULT_REGION"
)

// ErrThing is returned when the core's thing cannot be that of a gateway.
var ErrThing = errors.New("the core's thing name cannot be used")

// Config of a Nucleus. Getenv, Folder and Log are required; what else is zero
// takes the value that its comment names.
type Config struct {
	Getenv func(string) string // os.Getenv
	// Folder survives the process: the component's work folder, in which
	// both nuclei start it. The exits are remembered there.
	Folder string
	Log    *slog.Logger

	IPC    greengrass.Config // its Socket, Token and Log are filled in
	Retry  Retry
	Settle Settle
	// Renew is how often subscriptions to messages are made anew: 10 min.
	// Nucleus lite silently stops to deliver to one after a message that is
	// too large for its buffers; this bounds how long nobody notices.
	Renew time.Duration
	// Recheck is for how long an update is put off at a time: 30 s, four times.
	Recheck time.Duration
	Now     func() time.Time // time.Now
}

// Retry bounds the pauses before something is tried again.
type Retry struct {
	Min, Max time.Duration // 250 ms, doubled up to 15 s
	// Slow is for what only a person can cure, such as a missing permission: 1 min.
	Slow time.Duration
}

// Settle says how changes of the configuration are gathered.
type Settle struct {
	Quiet time.Duration // without a further change: 1 s
	Most  time.Duration // since the first: 5 s
}

func (c Config) withDefaults() Config {
	fill := func(field *time.Duration, value time.Duration) {
		if *field <= 0 {
			*field = value
		}
	}
	fill(&c.Retry.Min, 250*time.Millisecond)
	fill(&c.Retry.Max, 15*time.Second)
	fill(&c.Retry.Slow, time.Minute)
	fill(&c.Settle.Quiet, time.Second)
	fill(&c.Settle.Most, 5*time.Second)
	fill(&c.Renew, 10*time.Minute)
	fill(&c.Recheck, 30*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Nucleus is the connection to the nucleus that started this process.
type Nucleus struct {
	cfg           Config
	client        *greengrass.Client
	thing, region string
}

// Open waits until the nucleus accepts the component. The error wraps
// greengrass.ErrNotUnderGreengrass in a process that no nucleus started, and
// greengrass.ErrTokenVoid, as in Run, where only a new process can help.
func Open(ctx context.Context, cfg Config) (*Nucleus, error) {
	cfg = cfg.withDefaults()
	ipc, err := greengrass.FromEnvironment(cfg.Getenv, cfg.Log)
	if err != nil {
		return nil, err
	}
	cfg.IPC.Socket, cfg.IPC.Token, cfg.IPC.Log = ipc.Socket, ipc.Token, ipc.Log
	n := &Nucleus{cfg: cfg, thing: cfg.Getenv(thingVariable), region: cfg.Getenv(regionVariable)}
	if n.region == "" {
		n.region = cfg.Getenv(defaultRegionVariable)
	}
	if err := event.ValidateThing(n.thing); err != nil {
		return nil, fmt.Errorf("%w: %s: %w: register the core under such a name", ErrThing, thingVariable, err)
	}
	if n.client, err = greengrass.Connect(ctx, cfg.IPC); err != nil {
		return nil, errors.Join(n.ended(ctx, err), ctx.Err())
	}
	cfg.Log.Info("connected to the Greengrass nucleus", "thing", n.thing, "region", n.region)
	return n, nil
}

// Close ends the connection.
func (n *Nucleus) Close() error { return n.client.Close() }

// Thing is the core's thing name.
func (n *Nucleus) Thing() string { return n.thing }

// Region is the core's AWS region, "" when the nucleus did not say it.
func (n *Nucleus) Region() string { return n.region }

// Ready tells the nucleus that the component runs. It tries until the nucleus
// took it; the error is that of ctx, or says that the connection has ended.
func (n *Nucleus) Ready(ctx context.Context) error {
	wait := n.backoff()
	for {
		err := n.client.UpdateState(ctx, greengrass.Running)
		if err == nil || ctx.Err() != nil || gone(err) {
			return err
		}
		n.cfg.Log.Warn("cannot tell the nucleus that the component runs, will try again", "error", err)
		wait.sleep(ctx)
	}
}

// Hooks are questions of the Java nucleus; nucleus lite does not ask.
type Hooks struct {
	// Validate judges a configuration before it is deployed; nil: all are good.
	Validate func(tree map[string]any) error
	// Busy puts an update off while it is true, for two minutes at most; nil: never.
	Busy func() bool
}

// Run answers the nucleus until ctx ends, and then returns nil, or until the
// nucleus restarted and knows this process no more. Then it waits until an exit does
// not get the component marked as broken, and returns an error that wraps
// greengrass.ErrTokenVoid: the process has to exit with a status that is not
// zero, to be started with a new token. Cameras go on meanwhile, and what they
// find waits in the spool.
func (n *Nucleus) Run(ctx context.Context, hooks Hooks) error {
	ctx, cancel := context.WithCancel(ctx)
	var answering sync.WaitGroup
	defer answering.Wait()
	defer cancel()
	if hooks.Validate != nil {
		answering.Go(func() { n.answerValidations(ctx, hooks.Validate) })
	}
	if hooks.Busy != nil {
		answering.Go(func() { n.answerUpdates(ctx, hooks.Busy) })
	}
	select {
	case <-ctx.Done():
		return nil
	case <-n.client.Done():
	}
	return n.ended(ctx, n.client.Err())
}

// exitsFile remembers exits; longestWait is how long to wait for one when it
// cannot be used: twice an hour is forgiven.
const (
	exitsFile   = "nucleus-exits.json"
	longestWait = 31 * time.Minute
)

// ended waits, after a token proved void, until the process may exit.
func (n *Nucleus) ended(ctx context.Context, err error) error {
	if !errors.Is(err, greengrass.ErrTokenVoid) {
		return err
	}
	exits := greengrass.Restarts{File: filepath.Join(n.cfg.Folder, exitsFile), Now: n.cfg.Now}
	delay, unknown := exits.Delay()
	if unknown != nil {
		delay = longestWait
	}
	n.cfg.Log.Error("the Greengrass nucleus restarted and does not know this process any more: it exits, to be started again",
		"in", delay.Round(time.Second).String(), "error", err)
	if unknown == nil {
		unknown = exits.AwaitExit(ctx)
	} else {
		pause(ctx, delay)
	}
	if ctx.Err() != nil {
		return nil
	}
	if unknown != nil {
		n.cfg.Log.Error("this exit is not remembered", "error", unknown)
	}
	return err
}
