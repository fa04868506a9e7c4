package nucleus

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"porchlight/internal/event"
	"porchlight/internal/greengrass"
)

// ErrThing is returned when the core's thing cannot be that of a gateway.
var ErrThing = errors.New("the core's thing name cannot be used")

// Nucleus is the connection to the nucleus that started this process.
type Nucleus struct {
	cfg           Config
	client        *greengrass.Client
	thing, region string

	life context.Context // ends with Close
	end  context.CancelFunc

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup // subscriptions
}

// Open waits until the nucleus accepts the component. The error wraps
// greengrass.ErrNotUnderGreengrass in a process that no nucleus started, and
// greengrass.ErrTokenVoid, as in Run, where only a new process can help.
func Open(ctx context.Context, cfg Config) (*Nucleus, error) {
	cfg = cfg.withDefaults()
	found, err := greengrass.FromEnvironment(cfg.Getenv, cfg.Log)
	if err != nil {
		return nil, err
	}
	ipc := cfg.IPC // the token is kept nowhere else
	ipc.Socket, ipc.Token, ipc.Log = found.Socket, found.Token, found.Log
	n := &Nucleus{cfg: cfg, thing: cfg.Getenv(thingVariable), region: cfg.Getenv(regionVariable)}
	if n.region == "" {
		n.region = cfg.Getenv(defaultRegionVariable)
	}
	if err := event.ValidateThing(n.thing); err != nil {
		return nil, fmt.Errorf("%w: %s: %w: register the core under such a name", ErrThing, thingVariable, err)
	}
	if n.client, err = greengrass.Connect(ctx, ipc); err != nil {
		return nil, errors.Join(n.ended(ctx, err), ctx.Err())
	}
	n.life, n.end = context.WithCancel(context.WithoutCancel(ctx))
	cfg.Log.Info("connected to the Greengrass nucleus", "thing", n.thing, "region", n.region)
	return n, nil
}

// Close ends the connection and all subscriptions, and waits for what they
// call.
func (n *Nucleus) Close() error {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.end()
	err := n.client.Close()
	n.running.Wait()
	return err
}

// begin runs something until ctx or the connection ends.
func (n *Nucleus) begin(ctx context.Context, run func(context.Context)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	n.running.Go(func() {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(n.life, cancel)() //nolint:contextcheck // either of the two ends it
		run(ctx)
	})
}

// Thing is the core's thing name.
func (n *Nucleus) Thing() string { return n.thing }

// Region is the core's AWS region, "" when the nucleus did not say it.
func (n *Nucleus) Region() string { return n.region }

// Ready tells the nucleus that the component runs. It tries until the nucleus
// took it; the error is that of ctx, or says that the connection has ended.
func (n *Nucleus) Ready(ctx context.Context) error {
	wait := n.retries()
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
