package edge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/edge/command"
	"porchlight/internal/edge/evidence"
	"porchlight/internal/edge/gateway"
	"porchlight/internal/edge/liveview"
	"porchlight/internal/edge/page"
	"porchlight/internal/edge/shadow"
	"porchlight/internal/edge/update"
	"porchlight/internal/edge/update/fetch"
	"porchlight/internal/event"
)

// configShadow is the named shadow that holds the settings of the cameras.
const configShadow = "config"

// rooms are what serves the home and the cloud beside the cameras.
type rooms struct {
	agent    *agent
	cfg      *config.Config
	link     *carrier
	up       *uplink
	bucket   *bucket
	locker   *evidence.Locker
	page     *page.Page
	gateway  *gateway.Gateway
	studio   *liveview.Studio
	snapshot command.Handler
	tally    *tally
	asked    chan request
	later    sync.WaitGroup
}

// request is something to be done with the cameras by the goroutine they
// belong to.
type request struct {
	what func(ctx context.Context, c *cameras) error // ctx is the cameras'
	done chan error
}

func (r *rooms) ask(ctx context.Context, what func(context.Context, *cameras) error) error {
	done := make(chan error, 1)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case r.asked <- request{what, done}:
		return <-done
	}
}

// run runs them all until ctx ends.
func (r *rooms) run(ctx context.Context) {
	log := r.agent.Log
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.page.Run(ctx); err != nil {
			log.Error("the local page is off", "error", err)
		}
	})
	running.Go(func() { r.gateway.Run(ctx) })
	running.Go(func() {
		shadow.Follow(ctx, shadow.Config{
			Thing: r.cfg.Thing, Name: configShadow, Link: r.link, Apply: r.agent.ask, Again: r.agent.chosen, Log: log,
		})
	})
	running.Go(func() { r.faces(ctx) })
	running.Go(func() { r.commands(ctx) })
	running.Go(func() { r.updates(ctx) })
	running.Go(func() { r.telemetry(ctx) })
	running.Wait()
	r.later.Wait()
}

// faces asks whose faces client devices send.
func (r *rooms) faces(ctx context.Context) {
	asker := faceAsker{decode: r.agent.Decode, agent: r.agent}
	if lan := r.gateway.LAN(); lan != nil {
		asker.sources = append(asker.sources, lan)
	}
	if r.agent.Local != nil {
		asker.sources = append(asker.sources, r.agent.Local)
	}
	asker.open = func(f config.Faces) (found FaceDetector, err error) {
		err = r.ask(ctx, func(_ context.Context, c *cameras) error {
			if c.eyes.Faces == nil {
				return errors.New("this device has no face detector")
			}
			found, err = c.eyes.Faces(f)
			return err
		})
		return found, err
	}
	asker.run(ctx, r.cfg, r.link.credentials)
}

// commands does what the cloud asks for.
func (r *rooms) commands(ctx context.Context) {
	recordings := command.Recordings{Record: r.record, Stop: r.stopRecording}
	handlers := map[event.CommandName]command.Handler{
		event.CommandRecord:   recordings.RecordHandler(),
		event.CommandStop:     recordings.StopHandler(),
		event.CommandSnapshot: r.snapshot,
	}
	missing := map[event.CommandName]string{
		event.CommandSiren: "this device has no siren",
		event.CommandPTZ:   "this version does not move cameras",
	}
	if r.agent.Read != nil {
		handlers[event.CommandReload] = command.Reload(func(context.Context) error { return r.reload(ctx) })
	} else {
		missing[event.CommandReload] = "Greengrass deploys the configuration of this device"
	}
	err := command.Run(ctx, command.Config{
		Thing: r.cfg.Thing, Link: lasting{r.link}, Put: r.up.Put, Handlers: handlers, Missing: missing, Log: r.agent.Log,
	})
	if err != nil {
		r.agent.Log.Error("no commands are heard", "error", err)
	}
}

// record has a camera recorded because of a command.
func (r *rooms) record(ctx context.Context, camera string, length time.Duration) (command.Recording, error) {
	return r.tell(ctx, camera, func(k *evidence.Keeper) (evidence.Recorded, error) { return k.Record(length) })
}

func (r *rooms) stopRecording(ctx context.Context, camera string) (command.Recording, error) {
	return r.tell(ctx, camera, (*evidence.Keeper).Stop)
}

// tell tells a camera's keeper.
func (r *rooms) tell(ctx context.Context, camera string, what func(*evidence.Keeper) (evidence.Recorded, error)) (done command.Recording, err error) {
	err = r.ask(ctx, func(_ context.Context, c *cameras) error {
		k, err := c.keeper(camera)
		if err != nil {
			return err
		}
		recorded, err := what(k)
		done = command.Recording(recorded)
		if errors.Is(err, evidence.ErrRefused) {
			return fmt.Errorf("%w: camera %s %w", command.ErrRejected, camera, err)
		}
		return err
	})
	return done, err
}

// reload reads the configuration again. What is new in it takes effect a
// moment later, so that the answer gets away.
func (r *rooms) reload(ctx context.Context) error {
	tree, err := r.agent.Read()
	if err != nil {
		return err
	}
	if _, _, err := config.Lenient(tree, nil); err != nil {
		return err
	}
	r.later.Go(func() {
		select {
		case <-ctx.Done(): // a change that came before has the rooms end
		case <-time.After(answerFirst):
		}
		if err := r.agent.give(tree); err != nil {
			r.agent.Log.Error("the configuration cannot be used; the last one goes on", "error", err)
		}
	})
	return nil
}

// answerFirst is how long a new configuration waits for the answer to the
// command that had it read.
const answerFirst = 500 * time.Millisecond

// updates carries out update jobs.
func (r *rooms) updates(ctx context.Context) {
	a := r.agent
	key, err := r.cfg.Updates.Key()
	if err != nil {
		a.Log.Error("no updates are carried out", "error", err) // cannot be: the configuration was judged
		return
	}
	settings := update.Config{
		Thing: r.cfg.Thing, StateDir: r.cfg.StateDir, Link: lasting{r.link}, PublicKey: key, Log: a.Log,
		Source:   fetch.New(&http.Client{Timeout: time.Hour}, r.bucket.client),
		NoModels: "updates.models is off", NoSoftware: "updates.software is off",
	}
	if r.cfg.Updates.Models {
		settings.Models = &update.Models{
			Configured: r.cfg.Detector.Model, Labels: a.Labels, Activate: r.activate, Healthy: r.healthy, Detect: r.detect,
		}
	}
	switch {
	case a.Nucleus != nil:
		settings.NoSoftware = "the software of this device is deployed by Greengrass"
	case r.cfg.Updates.Software && a.Software != nil:
		settings.Software = &update.Software{
			Launched: a.Software.Launched, Platform: runtime.GOOS + "-" + runtime.GOARCH, Healthy: r.healthy, Restart: a.Software.Restart,
		}
	}
	updater, err := update.New(settings)
	if err == nil {
		err = updater.Run(ctx)
	}
	if err != nil && ctx.Err() == nil {
		a.Log.Error("no updates are carried out", "error", err)
	}
}

// activate has the cameras use a model from now on.
func (r *rooms) activate(ctx context.Context, m update.ModelRef) error {
	return r.ask(ctx, func(watching context.Context, c *cameras) error { return c.activate(watching, m) })
}

// detect runs the model in use on a picture.
func (r *rooms) detect(ctx context.Context, f *event.Frame) (found []event.Detection, err error) {
	err = r.ask(ctx, func(_ context.Context, c *cameras) error {
		found, err = c.shared.Detect(ctx, f)
		return err
	})
	return found, err
}

// healthy says whether the cameras can see: the model in use takes a picture,
// and no camera has failed because of it.
func (r *rooms) healthy(ctx context.Context) error {
	const width, height = 640, 360
	gray := &event.Frame{Width: width, Height: height, Pix: make([]byte, width*height*3)}
	for i := range gray.Pix {
		gray.Pix[i] = 128
	}
	if _, err := r.detect(ctx, gray); err != nil {
		return fmt.Errorf("the model cannot be used: %w", err)
	}
	return r.ask(ctx, func(_ context.Context, c *cameras) error {
		if camera, message := c.board.blind(); camera != "" {
			return fmt.Errorf("camera %s is blind: %s", camera, message)
		}
		return nil
	})
}

// lasting is a link whose subscriptions never end with an error.
type lasting struct{ Link }

// Subscribe implements command.Link and jobs.Link.
func (l lasting) Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func()) error {
	l.Link.Subscribe(ctx, filter, handle, ready)
	return nil
}
