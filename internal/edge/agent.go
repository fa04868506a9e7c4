// Package edge is the camera component: it runs the configured cameras
// through their pipelines and takes what they find to the cloud.
//
// A fault of one camera, of the network or of the disk never ends it.
package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"porchlight/internal/capture"
	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/iot"
	"porchlight/internal/pipeline"
)

// Detector is what the agent needs of an object detector.
type Detector interface {
	pipeline.Detector
	io.Closer
}

// Options of an agent. All but OnEvent are required.
type Options struct {
	Config   *config.Config
	Version  string
	Detector Detector // closed when Run returns
	Info     event.Detector
	Log      *slog.Logger
	OnEvent  func(event.Event) // called for each state of each event
}

// Run runs until ctx ends, then ends open events and says goodbye.
func Run(ctx context.Context, opts Options) (err error) {
	defer func() { err = errors.Join(err, opts.Detector.Close()) }()
	cfg, log := opts.Config, opts.Log
	if opts.Info.Weak {
		log.Warn("no detection model is installed: the built-in people detector is weak, it misses about half of all people"+
			" and sees nothing else; install a model with: porchlight models pull yolox-nano", "detector", opts.Info.Model)
	} else {
		log.Info("detector", "model", opts.Info.Model)
	}
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	identity, err := iot.LoadIdentity(cfg.IoT.Certificate, cfg.IoT.PrivateKey, cfg.IoT.CA)
	if err != nil {
		return err
	}
	credentials, err := iot.Credentials(iot.CredentialsConfig{
		Endpoint: cfg.IoT.CredentialsEndpoint, RoleAlias: cfg.IoT.RoleAlias, Thing: cfg.Thing, TLS: identity,
	})
	if err != nil {
		return err
	}
	up, err := openUplink(cfg, log, opts.OnEvent)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, up.close()) }()
	if err := up.endLeftovers(ctx); err != nil {
		log.Warn("cannot end the events a crash left open", "error", err)
	}

	board := newStatusBoard(cfg.Thing, opts.Version, opts.Info, log)
	// The uplink outlives ctx a little, to send the last words.
	online, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	client, err := iot.Connect(online, iot.ClientConfig{
		Endpoint: cfg.IoT.Endpoint, ClientID: cfg.Thing, TLS: identity, Log: log,
		Will: board.will, OnConnect: board.connected,
		NewSession: (&sessions{file: filepath.Join(cfg.StateDir, "session"), log: log}).next,
	})
	if err != nil {
		return err
	}
	var sending sync.WaitGroup
	sending.Go(func() { up.run(online, client, newBucket(cfg.Cloud, credentials)) })
	sending.Go(func() { board.run(online, client) })

	shared := &sharedDetector{detector: opts.Detector}
	var cameras sync.WaitGroup
	for name, camera := range cfg.Cameras {
		cameras.Go(func() {
			runCamera(ctx, camera, cameraDeps{
				id: event.CameraID(cfg.Thing, name), model: opts.Info.Model, minScore: cfg.Detector.MinScore,
				detector: shared, sink: up, board: board, log: log,
			})
		})
	}
	<-ctx.Done()
	cameras.Wait()
	goodbye(online, lastEvents, up, board, client, log)
	hangUp()
	sending.Wait()
	client.Wait()
	return nil
}

// How long an orderly end may take: for events, and then for the word that
// this device goes.
const (
	lastEvents = 3 * time.Second
	lastWord   = 2 * time.Second
)

// connection is what goodbye needs of the MQTT client.
type connection interface {
	publisher
	Disconnect(ctx context.Context) error
}

// goodbye gives the last events and pictures a moment to leave; what does not get away in
// time stays in the spool for the next start. It says offline in either case,
// because an orderly end of the session makes the broker forget the will.
func goodbye(ctx context.Context, patience time.Duration, up *uplink, board *statusBoard, client connection, log *slog.Logger) {
	giveUp := time.After(patience)
	for waiting := true; waiting && up.depth() > 0; {
		select {
		case <-giveUp:
			waiting = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	if up.depth() > 0 {
		log.Warn("what could not be sent waits on disk for the next start",
			"events", up.events.Stats().Depth, "thumbnails", up.thumbnails.Stats().Depth)
	}
	ctx, cancel := context.WithTimeout(ctx, lastWord)
	defer cancel()
	board.goodbye(ctx, client)
	if err := client.Disconnect(ctx); err != nil {
		log.Warn("cannot disconnect", "error", err)
	}
}

type cameraDeps struct {
	id, model string
	minScore  float64
	detector  pipeline.Detector
	sink      pipeline.Sink
	board     *statusBoard
	log       *slog.Logger
}

// runCamera runs one camera until ctx ends or its file has been played. After
// a fault that capture gives up on, it waits and starts over.
func runCamera(ctx context.Context, camera config.Camera, deps cameraDeps) {
	log := deps.log.With("camera", deps.id)
	line := pipeline.New(pipeline.Config{
		Camera: deps.id, Detector: deps.detector, Sink: deps.sink, Model: deps.model,
		Settings: camera, MinScore: deps.minScore, Log: log,
	})
	var mu sync.Mutex // capture reports states from goroutines of its own
	var blind atomic.Bool
	handle := func(f *event.Frame) {
		mu.Lock()
		defer mu.Unlock()
		before := line.Stats().Inferences
		err := line.Handle(ctx, f)
		switch {
		case ctx.Err() != nil:
		case err != nil && blind.CompareAndSwap(false, true):
			log.Error("frames cannot be looked at", "error", err)
			deps.board.set(deps.id, event.CameraFailed, err.Error())
		case err == nil && line.Stats().Inferences > before && blind.CompareAndSwap(true, false):
			log.Info("frames are looked at again")
			deps.board.set(deps.id, event.CameraRunning, "")
		}
	}
	// An event must not stay open because its camera went away.
	endOpen := func() {
		mu.Lock()
		defer mu.Unlock()
		if err := line.Close(context.WithoutCancel(ctx)); err != nil {
			log.Error("cannot end the open event", "error", err)
		}
	}
	wait := time.Second
	for {
		err := capture.Run(ctx, capture.Config{
			Name: deps.id, URL: camera.Source, FPS: camera.FPS, MaxWidth: camera.MaxWidth,
			Pace: capture.RealTime, Loop: camera.Loop, Log: log,
			OnState: func(s event.CameraState, message string) {
				if s != event.CameraRunning || !blind.Load() {
					deps.board.set(deps.id, s, message)
				}
				if s == event.CameraFailed {
					endOpen()
				}
			},
		}, handle)
		endOpen()
		stats := line.Stats()
		log.Info("camera stopped", "frames", stats.Frames, "inferences", stats.Inferences, "events", stats.Events)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			log.Info("file has been played")
			deps.board.set(deps.id, event.CameraEnded, "")
			return
		}
		log.Error("camera failed, will try again", "error", err, "in", wait.String())
		deps.board.set(deps.id, event.CameraFailed, err.Error())
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, 30*time.Second)
	}
}

// sharedDetector lets the cameras take turns at one net: a net is not safe for
// concurrent use, and one per camera would cost memory for nothing on the few
// cores of a gateway.
type sharedDetector struct {
	mu       sync.Mutex
	detector pipeline.Detector
}

func (s *sharedDetector) Detect(ctx context.Context, f *event.Frame) ([]event.Detection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.detector.Detect(ctx, f)
}
