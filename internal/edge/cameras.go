package edge

import (
	"context"
	"log/slog"
	"path/filepath"
	"reflect"
	"sync"

	"porchlight/internal/config"
	"porchlight/internal/edge/page"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// cameras are the cameras at work, all with the same eyes. It is used by one
// goroutine at a time.
type cameras struct {
	ctx      context.Context //nolint:containedctx // of all cameras; each has a context of its own below it
	open     func(*config.Config) (*Eyes, error)
	sink     pipeline.Sink
	board    *statusBoard
	page     *page.Page
	pictures *pictures
	log      *slog.Logger
	left     map[string]*event.Event // by camera: what a crash left open; each is taken once

	cfg     *config.Config
	eyes    *Eyes
	shared  pipeline.Detector
	running map[string]*runningCamera
}

type runningCamera struct {
	settings config.Camera
	cancel   context.CancelFunc
	done     chan struct{}
}

// prepare opens the networks of the first configuration.
func (c *cameras) prepare(cfg *config.Config) error {
	c.cfg = cfg
	return c.reopen(cfg)
}

// use makes the cameras those of cfg. What has not changed is not touched. An
// error says that the networks of cfg cannot be used: the ones before go on.
func (c *cameras) use(cfg *config.Config) (err error) {
	if !reflect.DeepEqual(c.cfg.Detector, cfg.Detector) || !reflect.DeepEqual(c.cfg.Recognition, cfg.Recognition) {
		err = c.reopen(cfg)
	}
	c.cfg = cfg
	c.stop(func(name string, r *runningCamera) bool {
		settings, stays := cfg.Cameras[name]
		return !stays || !reflect.DeepEqual(settings, r.settings)
	})
	c.board.keep(func(id string) bool {
		_, name, err := event.SplitCamera(id)
		_, stays := cfg.Cameras[name]
		return err == nil && stays
	})
	for name, settings := range cfg.Cameras {
		if c.running[name] == nil {
			c.start(name, settings)
		}
	}
	return err
}

// reopen opens the networks of cfg, and stops the cameras to give them new ones.
func (c *cameras) reopen(cfg *config.Config) error {
	eyes, err := c.open(cfg)
	if err != nil {
		return err
	}
	c.close()
	eyes.introduce(c.log)
	c.eyes, c.shared = eyes, pipeline.Shared(eyes.Detector)
	c.board.detect(eyes.Info)
	return nil
}

func (c *cameras) start(name string, settings config.Camera) {
	id := event.CameraID(c.cfg.Thing, name)
	if settings.Privacy {
		c.log.Info("camera is in privacy mode and stays off", "camera", id)
		c.board.set(id, event.CameraPrivate, "")
		return
	}
	ctx, cancel := context.WithCancel(c.ctx)
	r := &runningCamera{settings: settings, cancel: cancel, done: make(chan struct{})}
	c.running[name] = r
	deps := cameraDeps{
		id: id, model: c.eyes.Info.Model, minScore: c.cfg.Detector.MinScore, input: c.eyes.Input,
		detector: c.shared, faces: c.eyes.Faces, identify: c.eyes.Identify, sink: c.sink, resume: c.left[id], board: c.board, log: c.log,
		onView: c.pictures.watch(id, c.page.Camera(id, settings)), stateFile: filepath.Join(c.cfg.StateDir, "cameras", name+".json"),
	}
	delete(c.left, id)
	go func() {
		defer close(r.done)
		runCamera(ctx, settings, deps)
	}()
}

// stop stops the cameras that which chooses, and returns when they have ended.
func (c *cameras) stop(which func(name string, r *runningCamera) bool) {
	var stopping sync.WaitGroup
	for name, r := range c.running {
		if !which(name, r) {
			continue
		}
		r.cancel()
		stopping.Go(func() { <-r.done })
		delete(c.running, name)
		id := event.CameraID(c.cfg.Thing, name)
		c.page.Remove(id)
		c.pictures.forget(id)
	}
	stopping.Wait()
}

// close stops all cameras and closes the networks.
func (c *cameras) close() {
	c.stop(func(string, *runningCamera) bool { return true })
	if c.eyes != nil {
		c.eyes.close(c.log)
		c.eyes = nil
	}
}
