package nucleus

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"porchlight/internal/greengrass"
)

// Settings are the component's configuration, as a tree for internal/config.
type Settings struct{ n *Nucleus }

// Settings of the component.
func (n *Nucleus) Settings() *Settings { return &Settings{n} }

// Watch hands over the configuration once it can be read, and again, read
// anew, after changes; never twice in a row the same. A deployment changes
// many values, one event each: they are gathered first. apply is called on one goroutine
// and may keep the tree. Watch returns when ctx ends.
func (s *Settings) Watch(ctx context.Context, apply func(tree map[string]any)) {
	changed := make(chan struct{}, 1)
	poke := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		subscriber[greengrass.ConfigurationUpdate]{
			n: s.n, needs: permission{operation: "SubscribeToConfigurationUpdate"}, renew: s.n.cfg.Renew,
			subscribe: func(ctx context.Context) (*greengrass.Subscription[greengrass.ConfigurationUpdate], error) {
				return s.n.client.SubscribeToConfigurationUpdate(ctx, greengrass.GetConfigurationRequest{})
			},
			handle: func(greengrass.ConfigurationUpdate) { poke() },
			ready:  poke, // it may have changed before
		}.keep(ctx)
	}()
	defer func() { <-done }()

	var last []byte
	for s.follow(ctx, apply, &last); ctx.Err() == nil; s.follow(ctx, apply, &last) {
		select {
		case <-ctx.Done():
		case <-changed:
			s.settle(ctx, changed)
		}
	}
}

// settle waits until no more changes come for a moment.
func (s *Settings) settle(ctx context.Context, changed <-chan struct{}) {
	enough := time.NewTimer(s.n.cfg.Settle.Most)
	defer enough.Stop()
	quiet := time.NewTimer(s.n.cfg.Settle.Quiet)
	defer quiet.Stop()
	for {
		select {
		case <-changed:
			quiet.Reset(s.n.cfg.Settle.Quiet)
			continue
		case <-quiet.C:
		case <-enough.C:
		case <-ctx.Done():
		}
		return
	}
}

// follow reads until it succeeds and hands on what differs from last.
func (s *Settings) follow(ctx context.Context, apply func(map[string]any), last *[]byte) {
	wait := s.n.retries()
	for ctx.Err() == nil {
		tree, err := s.Read(ctx)
		if err == nil {
			var text []byte
			if text, err = json.Marshal(tree); err == nil {
				if !bytes.Equal(text, *last) {
					*last = text
					apply(tree)
				}
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		if gone(err) {
			<-ctx.Done() // the process is about to end
			return
		}
		s.n.cfg.Log.Error("the configuration cannot be read, will try again; the last one stays", "error", err)
		wait.sleep(ctx)
	}
}
