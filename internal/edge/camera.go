package edge

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"porchlight/internal/capture"
	"porchlight/internal/config"
	"porchlight/internal/edge/evidence"
	"porchlight/internal/event"
	"porchlight/internal/media"
	"porchlight/internal/pipeline"
)

// cameraDeps is what a camera needs of the agent.
type cameraDeps struct {
	id, model string
	minScore  float64
	input     int
	detector  pipeline.Detector
	faces     func(config.Faces) (FaceDetector, error)
	identify  pipeline.Identifier
	sink      pipeline.Sink
	stateFile string
	resume    *event.Event
	onView    func(*pipeline.View)
	keeper    *evidence.Keeper // of the main stream; nil: nothing of it is kept
	main, sub *media.Bus       // take the video: what is kept and shown, and what is looked at where that is another; nil: nobody wants it
	board     *statusBoard
	tally     *tally
	log       *slog.Logger
}

// runCamera runs one camera until ctx ends or its file has been played. After
// a fault that capture gives up on, it waits and starts over.
func runCamera(ctx context.Context, settings config.Camera, deps cameraDeps) {
	c := &camera{settings: settings, deps: deps, attention: &capture.Attention{}, log: deps.log.With("camera", deps.id)}
	faces, closeFaces := c.openFaces()
	defer closeFaces()
	c.line = pipeline.New(pipeline.Config{
		Camera: deps.id, Settings: settings, Detector: deps.detector, Input: deps.input, Faces: faces, Identify: deps.identify, Sink: deps.sink,
		Model: deps.model, MinScore: deps.minScore, StateFile: deps.stateFile, Resume: deps.resume,
		OnView: deps.onView, Log: c.log,
	})
	defer c.relay(ctx)()
	wait := time.Second
	for {
		err := c.play(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			c.log.Info("file has been played")
			deps.board.set(deps.id, event.CameraEnded, "")
			return
		}
		c.log.Error("camera failed, will try again", "error", err, "in", wait.String())
		deps.board.set(deps.id, event.CameraFailed, err.Error())
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, 30*time.Second)
	}
}

// camera is one camera at work.
type camera struct {
	settings  config.Camera
	deps      cameraDeps
	attention *capture.Attention
	log       *slog.Logger

	mu    sync.Mutex // capture reports states from goroutines of its own
	line  *pipeline.Pipeline
	blind bool // frames arrive and cannot be looked at
}

// relay plays the main stream, where that is not the one looked at,
// until what it returns is called or ctx ends.
func (c *camera) relay(ctx context.Context) (end func()) {
	if c.deps.main == nil || c.settings.Record.Source == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := capture.Relay(ctx, capture.RelayConfig{
			Name: c.deps.id, URL: c.settings.Record.Source, Packets: c.deps.main, Audio: c.sound(),
			Masks: c.settings.PrivacyMasks, Log: c.deps.log, OnState: c.deps.keeper.Plays,
		})
		if err != nil {
			c.log.Error("the stream of record.source is neither kept nor shown live", "error", err)
			c.deps.keeper.Plays(event.CameraFailed, err.Error())
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// packets is where the video goes that is looked at, nil when nobody wants it.
func (c *camera) packets() *media.Bus {
	if c.settings.Record.Source != "" {
		return c.deps.sub
	}
	return c.deps.main
}

// sound tells whether the main stream's sound is wanted: live view has none.
func (c *camera) sound() bool { return c.settings.Record.Audio && c.deps.keeper != nil }

// openFaces opens the face detector that the settings ask for. Without it the
// camera goes on, and says what is missing.
func (c *camera) openFaces() (pipeline.FaceDetector, func()) {
	if c.settings.Faces.Detector == "" || c.deps.faces == nil {
		return nil, func() {}
	}
	d, err := c.deps.faces(c.settings.Faces)
	if err != nil {
		c.log.Error("no faces are looked for", "error", err)
		return nil, func() {}
	}
	return d, func() {
		if err := d.Close(); err != nil {
			c.log.Warn("cannot close the face detector", "error", err)
		}
	}
}

// play plays the source once.
func (c *camera) play(ctx context.Context) error {
	err := capture.Run(ctx, capture.Config{
		Name: c.deps.id, URL: c.settings.Source, FPS: c.settings.FPS, MaxWidth: c.settings.MaxWidth,
		Pace: capture.RealTime, Loop: c.settings.Loop, Attention: c.attention, Packets: c.packets(), Audio: c.sound() && c.settings.Record.Source == "",
		Masks: c.settings.PrivacyMasks, Log: c.deps.log,
		OnState: func(s event.CameraState, message string) { c.became(ctx, s, message) },
	}, func(f *event.Frame) { c.handle(ctx, f) })
	c.endOpen(ctx)
	stats, packets := c.line.Stats(), c.attention.Stats()
	c.log.Info("camera stopped", "frames", stats.Frames, "inferences", stats.Inferences, "events", stats.Events,
		"packets_decoded", packets.Fed, "packets_spared", packets.Skipped, "wakes", packets.Wakes)
	return err
}

func (c *camera) handle(ctx context.Context, f *event.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.line.Stats().Inferences
	err := c.line.Handle(ctx, f)
	c.attention.SetFull(c.line.Busy())
	packets := c.attention.Stats()
	c.deps.tally.count(c.deps.id, c.line.Stats(), packets.Fed, packets.Skipped)
	switch {
	case ctx.Err() != nil:
	case err != nil && !c.blind:
		c.blind = true
		c.log.Error("frames cannot be looked at", "error", err)
		c.deps.board.set(c.deps.id, event.CameraFailed, err.Error())
	case err == nil && c.line.Stats().Inferences > before && c.blind:
		c.blind = false
		c.log.Info("frames are looked at again")
		c.deps.board.set(c.deps.id, event.CameraRunning, "")
	}
}

func (c *camera) became(ctx context.Context, s event.CameraState, message string) {
	c.mu.Lock()
	blind := c.blind
	c.mu.Unlock()
	if s != event.CameraRunning || !blind {
		c.deps.board.set(c.deps.id, s, message)
	}
	if s == event.CameraFailed {
		c.endOpen(ctx)
	}
}

// endOpen ends the open event: it must not stay open because its camera went away.
func (c *camera) endOpen(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.line.Close(context.WithoutCancel(ctx)); err != nil {
		c.log.Error("cannot end the open event", "error", err)
	}
}
