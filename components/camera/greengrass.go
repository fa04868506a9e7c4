package main

import (
	"context"
	"os"
	"sync"

	"porchlight/internal/config"
	"porchlight/internal/edge"
	"porchlight/internal/edge/nucleus"
	"porchlight/internal/event"
)

// underGreengrass runs the component with the configuration and the connection
// of the nucleus that started it. It fails at once with
// greengrass.ErrNotUnderGreengrass when there is none.
func underGreengrass(ctx context.Context, options edge.Options) error {
	n, err := nucleus.Open(ctx, nucleus.Config{Getenv: os.Getenv, Folder: ".", Log: options.Log})
	if err != nil {
		return err
	}
	defer func() {
		if err := n.Close(); err != nil {
			options.Log.Warn("cannot hang up on the nucleus", "error", err)
		}
	}()
	ctx, end := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer end()

	busy := &happenings{tell: options.OnEvent, open: map[string]bool{}}
	options.OnEvent = busy.event
	options.Nucleus, options.Local, options.Patient = n.Link(), n.PubSub(), true
	options.Watch = func(ctx context.Context, use func(map[string]any) error) error {
		n.Settings().Watch(ctx, func(tree map[string]any) {
			if err := use(tree); err != nil {
				options.Log.Error("the component's configuration cannot be used; the last one goes on", "error", err)
			}
		})
		return nil
	}
	options.OnReady = func() {
		beside.Go(func() {
			if err := n.Ready(ctx); err != nil && ctx.Err() == nil {
				options.Log.Warn("the nucleus does not know that the component runs", "error", err)
			}
		})
	}
	lost := make(chan error, 1)
	beside.Go(func() {
		hooks := nucleus.Hooks{Validate: judge, Busy: busy.any}
		if err := n.Run(ctx, hooks); err != nil {
			lost <- err
			end()
		}
	})
	if err := edge.Run(ctx, options); err != nil {
		return err
	}
	select {
	case err := <-lost:
		return err
	default:
		return nil
	}
}

// judge says what is wrong with a configuration that is about to be deployed.
func judge(tree map[string]any) error {
	_, faults, err := config.Lenient(tree, nil)
	if err == nil && len(faults) > 0 {
		err = faults[0].Err
	}
	return err
}

// happenings knows whether an event is open, to put updates off while one is.
type happenings struct {
	tell func(event.Event)

	mu   sync.Mutex
	open map[string]bool // by camera
}

func (h *happenings) event(e event.Event) {
	h.mu.Lock()
	if e.State == event.Ended {
		delete(h.open, e.Camera)
	} else {
		h.open[e.Camera] = true
	}
	h.mu.Unlock()
	h.tell(e)
}

func (h *happenings) any() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.open) > 0
}
