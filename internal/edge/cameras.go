package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"sync"

	"porchlight/internal/config"
	"porchlight/internal/edge/command"
	"porchlight/internal/edge/evidence"
	"porchlight/internal/edge/liveview"
	"porchlight/internal/edge/page"
	"porchlight/internal/edge/update"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// cameras are the cameras at work, all with the same eyes. It is used by one
// goroutine at a time.
type cameras struct {
	open     func(*config.Config, update.ModelRef) (*Eyes, error)
	sink     pipeline.Sink
	locker   *evidence.Locker // nil: no video is kept
	studio   *liveview.Studio // nil: nobody can watch live
	board    *statusBoard
	page     *page.Page
	pictures *command.Frames
	tally    *tally
	brought  *brought
	log      *slog.Logger
	left     map[string]*event.Event // by camera: what a crash left open; each is taken once

	cfg     *config.Config
	eyes    *Eyes
	shared  pipeline.Detector
	running map[string]*runningCamera
}

type runningCamera struct {
	settings config.Camera
	keeper   *evidence.Keeper // nil: nothing of it is kept
	cancel   context.CancelCauseFunc
	done     chan struct{}
}

// prepare opens the networks of the first configuration.
func (c *cameras) prepare(cfg *config.Config) error {
	c.cfg = cfg
	return c.reopen(cfg)
}

// activate makes the cameras see with a model that an update has brought.
func (c *cameras) activate(ctx context.Context, m update.ModelRef) error {
	if m == c.brought.model {
		return nil
	}
	if err := c.adopt(c.cfg, m); err != nil {
		return err
	}
	return c.use(ctx, c.cfg)
}

// use makes the cameras those of cfg, until ctx ends. What has not changed is not touched. An
// error says that the networks of cfg cannot be used: the ones before go on.
func (c *cameras) use(ctx context.Context, cfg *config.Config) (err error) {
	c.stop(func(name string, r *runningCamera) (cause error, stops bool) {
		settings, stays := cfg.Cameras[name]
		return hides(cfg, name), !stays || !reflect.DeepEqual(settings, r.settings)
	})
	if !reflect.DeepEqual(c.cfg.Detector, cfg.Detector) || !reflect.DeepEqual(c.cfg.Recognition, cfg.Recognition) {
		err = c.reopen(cfg)
	}
	c.cfg = cfg
	c.board.keep(func(id string) bool {
		_, name, err := event.SplitCamera(id)
		_, stays := cfg.Cameras[name]
		return err == nil && stays
	})
	for name, settings := range cfg.Cameras {
		if c.running[name] == nil {
			c.start(ctx, name, settings)
		}
	}
	return err
}

// hides is why a camera stops at once when cfg comes: it has to be private.
func hides(cfg *config.Config, name string) error {
	if cfg.Cameras[name].Privacy {
		return evidence.ErrPrivate
	}
	return nil
}

// reopen opens the networks of cfg, or the model that an update has brought
// since it was written. A brought one that cannot be opened is left.
func (c *cameras) reopen(cfg *config.Config) error {
	for {
		m := c.brought.choose(cfg, c.log)
		err := c.adopt(cfg, m)
		if err == nil || m == (update.ModelRef{}) {
			return err
		}
		if err := c.brought.drop(cfg, err); err != nil {
			return err
		}
	}
}

// adopt opens networks, and stops the cameras to give them these.
func (c *cameras) adopt(cfg *config.Config, m update.ModelRef) error {
	eyes, err := c.open(cfg, m)
	if err != nil {
		return err
	}
	c.close()
	c.brought.model = m
	eyes.introduce(c.log)
	c.eyes, c.shared = eyes, pipeline.Shared(eyes.Detector)
	c.board.detect(eyes.Info)
	return nil
}

func (c *cameras) start(ctx context.Context, name string, settings config.Camera) {
	id := event.CameraID(c.cfg.Thing, name)
	if settings.Privacy {
		c.log.Info("camera is in privacy mode and stays off", "camera", id)
		c.board.set(id, event.CameraPrivate, "")
		return
	}
	ctx, cancel := context.WithCancelCause(ctx)
	r := &runningCamera{settings: settings, cancel: cancel, done: make(chan struct{})}
	c.running[name] = r
	keeper := c.locker.Keep(ctx, id, settings, c.left[id])
	r.keeper = keeper
	footage := newFootage(ctx, settings, keeper, c.log.With("camera", id))
	show := c.studio.Open(ctx, id, settings.Live, footage.main.ring, footage.sub.ring)
	deps := cameraDeps{
		id: id, model: c.eyes.Info.Model, minScore: c.cfg.Detector.MinScore, input: c.eyes.Input,
		detector: c.shared, faces: c.eyes.Faces, identify: c.eyes.Identify, sink: c.sink, resume: c.left[id], board: c.board, tally: c.tally, log: c.log,
		onView: all(c.pictures.View(id), c.page.Camera(id, settings), keeper.OnView()), keeper: keeper, main: footage.main.bus, sub: footage.sub.bus,
		stateFile: filepath.Join(c.cfg.StateDir, "cameras", name+".json"),
	}
	delete(c.left, id)
	go func() {
		defer close(r.done)
		var leaving sync.WaitGroup
		leaving.Go(func() {
			<-ctx.Done() // who watches a film that has ended may stay
			show.Close(errors.Is(context.Cause(ctx), evidence.ErrPrivate))
		})
		runCamera(ctx, settings, deps)
		if keeper != nil {
			<-ctx.Done() // a film that has ended may still be on its way to the cloud
			keeper.Close()
		}
		leaving.Wait()
		footage.close()
	}()
}

// keeper is that of a camera, nil when nothing of it is kept. It fails with
// command.ErrRejected when there is no such camera, or none to be looked through.
func (c *cameras) keeper(id string) (*evidence.Keeper, error) {
	_, name, err := event.SplitCamera(id)
	settings, exists := c.cfg.Cameras[name]
	switch {
	case err != nil || !exists:
		return nil, fmt.Errorf("%w: there is no camera %s", command.ErrRejected, id)
	case settings.Privacy:
		return nil, fmt.Errorf("%w: camera %s is in privacy mode", command.ErrRejected, id)
	case c.running[name] == nil:
		return nil, nil
	}
	return c.running[name].keeper, nil
}

// stop stops the cameras that which chooses, for the cause it gives, and
// returns when they have ended.
func (c *cameras) stop(which func(name string, r *runningCamera) (cause error, stops bool)) {
	var stopping sync.WaitGroup
	for name, r := range c.running {
		cause, stops := which(name, r)
		if !stops {
			continue
		}
		r.cancel(cause)
		stopping.Go(func() { <-r.done })
		delete(c.running, name)
		id := event.CameraID(c.cfg.Thing, name)
		c.page.Remove(id)
		c.tally.forget(id)
	}
	stopping.Wait()
}

// close stops all cameras and closes the networks.
func (c *cameras) close() {
	c.stop(func(string, *runningCamera) (error, bool) { return nil, true })
	if c.eyes != nil {
		c.eyes.close(c.log)
		c.eyes = nil
	}
}

// all tells several of each view; any of them may be nil.
func all(of ...func(*pipeline.View)) func(*pipeline.View) {
	of = slices.DeleteFunc(of, func(one func(*pipeline.View)) bool { return one == nil })
	return func(v *pipeline.View) {
		for _, one := range of {
			one(v)
		}
	}
}
