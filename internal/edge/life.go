package edge

import (
	"context"
	"errors"
	"reflect"
	"sync"

	"porchlight/internal/config"
	"porchlight/internal/edge/page"
	"porchlight/internal/edge/shadow"
	"porchlight/internal/event"
)

// configShadow is the named shadow that holds the settings of the cameras.
const configShadow = "config"

// live runs with one configuration until ctx ends, or until another comes that
// asks for more than other cameras and networks, which is returned. started
// says that it could be used.
func (a *agent) live(ctx context.Context, cfg *config.Config) (started bool, changed *config.Config, err error) {
	log, given := a.Log, cfg
	if cfg, changed, err = a.complete(ctx, given); cfg == nil {
		return false, changed, err
	}
	if err := openState(cfg); err != nil {
		return false, nil, err
	}
	up, err := openUplink(cfg, log, a.OnEvent)
	if err != nil {
		return false, nil, err
	}
	defer func() { err = errors.Join(err, up.close()) }()
	left, err := up.leftovers(ctx, cfg)
	if err != nil {
		log.Warn("cannot go on with the events a crash left open", "error", err)
	}
	board := newStatusBoard(cfg.Thing, a.Version, event.Detector{}, log)

	// The cameras end before the connection does, which sends their last words.
	watching, blink := context.WithCancel(ctx)
	defer blink()
	online, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	local := page.New(cfg.Page, log)
	cams := &cameras{
		ctx: watching, open: a.Open, sink: up, board: board, page: local, pictures: newPictures(), log: log,
		left: left, running: map[string]*runningCamera{},
	}
	defer cams.close()
	if err := cams.prepare(cfg); err != nil {
		return false, nil, err
	}
	link, err := a.connect(online, cfg, board)
	if err != nil {
		return false, nil, err
	}
	var sending, rooms sync.WaitGroup
	sending.Go(func() { up.run(online, link, newBucket(cfg.Cloud, link.credentials)) })
	sending.Go(func() { board.run(online, link) })
	rooms.Go(func() {
		if err := local.Run(watching); err != nil {
			log.Error("the local page is off", "error", err)
		}
	})
	rooms.Go(func() {
		shadow.Follow(watching, shadow.Config{Thing: cfg.Thing, Name: configShadow, Link: link, Apply: a.ask, Log: log})
	})
	_ = cams.use(cfg) // prepare has opened its networks
	if a.OnReady != nil {
		a.ready.Do(a.OnReady)
	}
	for changed == nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case next := <-a.changes:
			if !sameLife(given, next) {
				changed = next
				break
			}
			whole := *cfg
			whole.Cameras, whole.Detector, whole.Recognition = next.Cameras, next.Detector, next.Recognition
			if err := cams.use(&whole); err != nil {
				log.Error("the new networks cannot be used; the ones before go on", "error", err)
			}
		}
	}
	blink()
	cams.close()
	rooms.Wait()
	goodbye(online, lastEvents, up, board, link, log)
	hangUp()
	sending.Wait()
	if link.wait != nil {
		link.wait()
	}
	return true, changed, nil
}

// complete completes a configuration. It returns none when ctx ends, when
// another configuration comes while it waits, which is changed, or on an error.
func (a *agent) complete(ctx context.Context, cfg *config.Config) (whole, changed *config.Config, err error) {
	if a.Complete == nil {
		return cfg, nil, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		whole, err = a.Complete(ctx, cfg)
	}()
	select {
	case <-done:
		if ctx.Err() != nil {
			return nil, nil, nil // it was told to stop
		}
		return whole, nil, err
	case next := <-a.changes:
		cancel()
		<-done
		return nil, next, nil
	}
}

// sameLife tells whether a change from one configuration to the other is one
// of cameras and networks alone.
func sameLife(a, b *config.Config) bool {
	x, y := *a, *b
	for _, c := range []*config.Config{&x, &y} {
		c.Cameras, c.Detector, c.Recognition = nil, config.Detector{}, config.Recognition{}
	}
	return reflect.DeepEqual(x, y)
}
