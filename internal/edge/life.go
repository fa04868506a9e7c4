package edge

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"sync"

	"porchlight/internal/config"
	"porchlight/internal/edge/command"
	"porchlight/internal/edge/evidence"
	"porchlight/internal/edge/gateway"
	"porchlight/internal/edge/liveview"
	"porchlight/internal/edge/page"
	"porchlight/internal/event"
)

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
	locker := evidence.Open(ctx, evidence.Config{Config: cfg, Next: up, Note: board.note(aboutVideo), Log: log})
	defer func() { err = errors.Join(err, locker.Close()) }()
	local := page.New(cfg.Page, recordings(locker), log)
	cams := &cameras{
		open: a.Open, sink: locker, locker: locker, board: board, page: local, pictures: &command.Frames{}, tally: &tally{}, brought: &a.brought, log: log,
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
	defer link.end(hangUp)
	locker.Connect(link.credentials)
	home, err := gateway.New(gateway.Options{
		Config: cfg, Version: a.Version, Put: up.Put, Cloud: link, PubSub: a.Local, SetPrivacy: a.choosePrivacy, Log: log,
	})
	if err != nil {
		return false, nil, err
	}
	up.told, board.told = home.Event, home.Status
	objects := newBucket(cfg.Cloud, link.credentials)
	pictures := command.Snapshots{Thing: cfg.Thing, Picture: cams.pictures.JPEG, Upload: objects.Upload}.Handler()
	cams.studio = liveview.Open(liveview.Config{
		Thing: cfg.Thing, Cloud: cfg.Cloud, Credentials: link.credentials, Note: board.note(aboutLive), Log: log,
		Snapshot: func(ctx context.Context, camera string) (map[string]any, error) {
			return pictures(ctx, event.Command{Camera: camera})
		},
	})
	defer func() { err = errors.Join(err, cams.studio.Close()) }()
	defer cams.close() // what it shows, before that
	beside := &rooms{
		agent: a, cfg: cfg, link: link, up: up, bucket: objects, locker: locker, page: local, gateway: home, snapshot: pictures, studio: cams.studio, tally: cams.tally,
		asked: make(chan request),
	}
	var sending, serving sync.WaitGroup
	sending.Go(func() { up.run(online, link, objects) })
	sending.Go(func() { board.run(online, link) })
	serving.Go(func() { beside.run(watching) })
	_ = cams.use(watching, cfg) // prepare has opened its networks
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
			if err := cams.use(watching, &whole); err != nil {
				log.Error("the new networks cannot be used; the ones before go on", "error", err)
			}
			home.SetCameras(slices.Collect(maps.Keys(next.Cameras)))
		case r := <-beside.asked:
			r.done <- r.what(watching, cams)
		}
	}
	if changed != nil {
		cams.stop(func(name string, _ *runningCamera) (error, bool) { return hides(changed, name), true })
	}
	blink()
	cams.close()
	serving.Wait()
	goodbye(online, lastEvents, up, board, link, log)
	link.end(hangUp)
	sending.Wait()
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

// choosePrivacy is for somebody at home; the cloud is told.
func (a *agent) choosePrivacy(camera string, on bool) error {
	_, name, err := event.SplitCamera(camera)
	if err != nil {
		return err
	}
	if err := a.setPrivacy(name, on); err != nil {
		return err
	}
	select {
	case a.chosen <- struct{}{}:
	default:
	}
	return nil
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

// recordings are what the page shows; nil when they cannot be opened.
func recordings(l *evidence.Locker) page.Recordings {
	if library := l.Library(); library != nil {
		return library
	}
	return nil
}
