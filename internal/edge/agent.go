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
	"time"

	"porchlight/internal/config"
	"porchlight/internal/edge/page"
	"porchlight/internal/event"
	"porchlight/internal/iot"
	"porchlight/internal/pipeline"
)

// Detector is what the agent needs of an object detector.
type Detector interface {
	pipeline.Detector
	io.Closer
}

// FaceDetector is what the agent needs of a face detector.
type FaceDetector interface {
	pipeline.FaceDetector
	io.Closer
}

// Options of an agent. All but Faces, Identify and OnEvent are required.
type Options struct {
	Config   *config.Config
	Version  string
	Detector Detector // closed when Run returns
	Input    int      // side of the detector's input, in pixels
	Info     event.Detector
	// Faces opens a face detector for one camera, which closes it.
	Faces func(config.Faces) (FaceDetector, error)
	// Identify is shared by all cameras, at the same time; nil: faces stay
	// without a name.
	Identify pipeline.Identifier
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
	if err := os.MkdirAll(filepath.Join(cfg.StateDir, "cameras"), 0o700); err != nil {
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
	left, err := up.leftovers(ctx, cfg)
	if err != nil {
		log.Warn("cannot go on with the events a crash left open", "error", err)
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

	local := page.New(cfg.Page, log)
	shared := pipeline.Shared(opts.Detector)
	var cameras sync.WaitGroup
	for name, camera := range cfg.Cameras {
		id := event.CameraID(cfg.Thing, name)
		if camera.Privacy {
			log.Info("camera is in privacy mode and stays off", "camera", id)
			board.set(id, event.CameraPrivate, "")
			continue
		}
		cameras.Go(func() {
			runCamera(ctx, camera, cameraDeps{
				id: id, model: opts.Info.Model, minScore: cfg.Detector.MinScore, input: opts.Input,
				detector: shared, faces: opts.Faces, identify: opts.Identify, sink: up, resume: left[id], board: board, log: log,
				onView: local.Camera(id, camera), stateFile: filepath.Join(cfg.StateDir, "cameras", name+".json"),
			})
		})
	}
	if err := local.Run(ctx); err != nil {
		log.Error("the local page is off", "error", err)
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
