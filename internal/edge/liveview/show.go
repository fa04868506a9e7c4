package liveview

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/kvs/signaling"
	"porchlight/internal/live"
	"porchlight/internal/media"
)

// Show is the live view of one camera. The methods of a nil show do nothing:
// there is none of a camera that may not be watched.
type Show struct {
	camera string
	studio *Studio
	master *live.Master
	line   *signaling.Client
	joins  joins
	health health

	stop    context.CancelFunc
	running sync.WaitGroup
	once    sync.Once
}

// Open lets viewers in to a camera, by what its rings hold; sub is nil when
// there is one stream. It returns nil when live view is off. Close has to be
// called, also when ctx ends.
func (s *Studio) Open(ctx context.Context, camera string, settings config.Live, main, sub *media.Ring) *Show {
	if s == nil || !settings.Enabled || main == nil {
		return nil
	}
	w := &Show{camera: camera, studio: s}
	cfg := live.Config{
		Camera: camera, Engine: s.engine, Main: main, Sub: sub, MaxViewers: settings.Viewers,
		// Whoever the API has let in is the owner.
		Authorize: func(string) live.Role { return live.Member },
		Commands:  s.commands(camera),
		Left:      w.joins.left,
		Log:       s.cfg.Log,
	}
	if d := settings.PlayoutDelay; d > 0 {
		cfg.Playout = &live.Playout{Min: d, Max: d}
	}
	w.master = live.NewMaster(cfg)
	w.line = signaling.NewMaster(signaling.Config{
		Channel: camera, Region: s.cfg.Cloud.Region, Directory: s.directory, Credentials: s.cfg.Credentials, Log: s.cfg.Log,
	})
	s.enter(w)
	ctx, w.stop = context.WithCancel(context.WithoutCancel(ctx))
	w.running.Go(func() { w.connect(ctx) })
	w.running.Go(func() { _ = w.master.Serve(ctx, line{w.line}) }) // ends with Close alone
	w.running.Go(func() { w.watch(ctx) })
	return w
}

// connect keeps the camera on its channel until ctx ends.
func (w *Show) connect(ctx context.Context) {
	if w.studio.turn.Wait(ctx) != nil {
		return
	}
	select {
	case <-ctx.Done():
		return
	case <-time.After(rand.N(connectJitter)): //nolint:gosec // to spread devices, not to hide anything
	}
	_ = w.line.Run(ctx) // ends with ctx alone
}

// every is how often a show looks at how it fares.
const every = time.Second

// watch says what has been wrong for long, until ctx ends.
func (w *Show) watch(ctx context.Context) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if message, changed := w.health.judge(w.line.Stats(), time.Now()); changed {
			w.studio.cfg.Note(w.camera, message)
		}
		select {
		case <-ctx.Done():
			w.studio.cfg.Note(w.camera, "")
			return
		case <-ticker.C:
		}
	}
}

// Close sends all viewers away, telling them whether that is because the camera
// has to be private, leaves the channel and returns when nothing of it is left.
func (w *Show) Close(private bool) {
	if w == nil {
		return
	}
	w.once.Do(func() {
		if private {
			w.master.SetPrivate(true)
		}
		w.stop()
		w.master.Close()
		w.running.Wait()
		w.studio.leave(w)
	})
}
