// Package edge is the camera component: it runs the configured cameras
// through their pipelines and takes what they find to the cloud.
//
// A fault of one camera, of the network or of the disk never ends it, and a
// change of the configuration touches only what has changed.
package edge

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"porchlight/internal/config"
	"porchlight/internal/edge/settings"
	"porchlight/internal/edge/update"
	"porchlight/internal/event"
)

// Options of an agent. Watch, Version, Open and Log are required.
type Options struct {
	// Watch calls use with the configuration that the device was given, first
	// at once or when there is one, then whenever it has changed, until ctx
	// ends. An error of use says that the configuration stays as it was.
	Watch   func(ctx context.Context, use func(tree map[string]any) error) error
	Version string
	// Open opens the networks of a configuration; with the model that an update
	// has brought, unless that is zero.
	Open func(*config.Config, update.ModelRef) (*Eyes, error)
	Log  *slog.Logger

	// Complete adds to a configuration what the device learns elsewhere: its
	// own identity. It may wait for that until ctx ends. Nil: nothing is missing.
	Complete func(ctx context.Context, cfg *config.Config) (*config.Config, error)
	// Nucleus carries the messages when the agent runs under Greengrass; nil:
	// it has a session of its own, with the thing's certificate.
	Nucleus Link
	// Local carries messages to and from the other components of a Greengrass
	// core; nil: there is none.
	Local Link
	// Decode reads a JPEG that a client device sent.
	Decode func(data []byte) (*event.Frame, error)
	// Read reads the configuration again, for the cloud's command; nil: it is
	// told to Watch alone.
	Read func() (map[string]any, error)
	// Labels are the label lists that updated models may name.
	Labels map[string][]string
	// Software updates this program; nil: it is not updated.
	Software *Software
	// Patient makes the agent wait for another configuration when it cannot
	// start with the first: under Greengrass an exit is held against it.
	Patient bool
	// OnReady is called once, when the cameras have been started.
	OnReady func()
	OnEvent func(event.Event) // called for each state of each event
}

// Software is what an update of this program needs.
type Software struct {
	Launched update.Launched
	Restart  func() // ends the program; its supervisor starts it again
}

// Link carries messages to and from IoT Core.
type Link interface {
	// Publish sends with QoS 1 and returns once the message was taken over.
	Publish(ctx context.Context, topic string, payload []byte) error
	// Subscribe keeps a subscription over reconnects until ctx ends. handle is
	// called with one message at a time, ready whenever it is in effect.
	Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func())
}

// Run runs until ctx ends, then ends open events and says goodbye.
func Run(ctx context.Context, opts Options) error {
	g := &given{log: opts.Log, composers: make(chan *settings.Composer, 1)}
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	failed := make(chan error, 1)
	watching.Go(func() {
		if err := opts.Watch(ctx, g.give); err != nil {
			failed <- err
		}
	})
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	case composer := <-g.composers:
		a := &agent{Options: opts, changes: composer.Changes(), ask: composer.Ask, chosen: make(chan struct{}, 1)}
		a.setPrivacy, a.give = composer.SetPrivacy, composer.Give
		return a.run(ctx)
	}
}

// given takes what the device was given, and makes of the first the composer
// of all that follow.
type given struct {
	log       *slog.Logger
	composer  *settings.Composer
	composers chan *settings.Composer // delivers it, once
}

func (g *given) give(tree map[string]any) error {
	if g.composer != nil {
		return g.composer.Give(tree)
	}
	cfg, _, err := config.Lenient(tree, nil)
	if err != nil {
		return err
	}
	if err := openState(cfg); err != nil {
		return err
	}
	composer := settings.New(filepath.Join(cfg.StateDir, "asked.json"), g.log)
	if err := composer.Give(tree); err != nil {
		return err
	}
	g.composer = composer
	g.composers <- composer
	return nil
}

// agent is what outlives a change of the configuration.
type agent struct {
	Options
	changes <-chan *config.Config
	ask     func(desired map[string]any) (inUse map[string]any, faults map[string]string)
	// setPrivacy and chosen are for somebody at home, whose choice the cloud
	// is told.
	setPrivacy func(camera string, on bool) error
	chosen     chan struct{}
	give       func(tree map[string]any) error
	ready      sync.Once
	brought    brought
}

// run leads one life after the other, each with a configuration in which
// nothing changes but its cameras and its networks.
func (a *agent) run(ctx context.Context) error {
	var last *config.Config // with which a life has started
	var next *config.Config
	select {
	case <-ctx.Done():
		return nil
	case next = <-a.changes:
	}
	for {
		started, changed, err := a.live(ctx, next)
		switch {
		case ctx.Err() != nil:
			return err
		case changed != nil:
			if started {
				last = next
			}
			next = changed
			a.Log.Info("the configuration has changed; starting anew with it")
			continue
		case err == nil:
			return nil
		case last != nil:
			a.Log.Error("the new configuration cannot be used; the last one goes on", "error", err)
			next, last = last, nil
			continue
		case !a.Patient:
			return err
		}
		a.Log.Error("cannot start with this configuration; waiting for another", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case next = <-a.changes:
		}
	}
}

// openState makes the folder of all that survives a restart.
func openState(cfg *config.Config) error {
	if err := os.MkdirAll(filepath.Join(cfg.StateDir, "cameras"), 0o700); err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	return nil
}
