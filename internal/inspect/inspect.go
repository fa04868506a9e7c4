// Package inspect looks at a camera for a while and says what its pipeline
// sees there and what it ignores and why, for whoever sets the camera up.
package inspect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"porchlight/internal/capture"
	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// Errors of Run.
var (
	ErrPrivate   = errors.New("the camera is in privacy mode, so it is not opened; take privacy: true out of its settings")
	ErrNoPicture = errors.New("no picture came")
)

// firstPicture is how long a live source may take for its first picture: it may
// have to be connected to, and keyframes may be far apart.
const firstPicture = 30 * time.Second

// Config of a look at a camera. All but Faces is required.
type Config struct {
	Source   string // as in config.Camera
	Settings config.Camera
	Detector pipeline.Detector
	Input    int                   // side of the detector's input in pixels
	Faces    pipeline.FaceDetector // nil: no faces are looked for
	Model    string
	MinScore float64       // as in pipeline.Config
	For      time.Duration // how much of the source to look at
	Log      *slog.Logger
}

// Run looks at the source. A file is looked at as fast as it goes, a live
// source for as long as it says. Errors wrap those of capture, and name no
// password.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.Settings.Privacy {
		return nil, ErrPrivate
	}
	looking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	giveUp := time.AfterFunc(cfg.For+firstPicture, func() { stop(fmt.Errorf("%w in %s", ErrNoPicture, cfg.For+firstPicture)) })
	defer giveUp.Stop()

	notes := newNotes(cfg)
	line := pipeline.New(pipeline.Config{
		Camera: "inspect.camera", Settings: cfg.Settings, Detector: cfg.Detector, Input: cfg.Input, Faces: cfg.Faces, Sink: notes,
		Model: cfg.Model, MinScore: cfg.MinScore, OnView: notes.view, Log: cfg.Log,
	})
	fault := &firstFault{}
	err := capture.Run(looking, capture.Config{
		Name: "inspect.camera", URL: cfg.Source, FPS: cfg.Settings.FPS, MaxWidth: cfg.Settings.MaxWidth,
		Pace: capture.FullSpeed, Log: cfg.Log,
		OnState: func(s event.CameraState, message string) {
			if s == event.CameraFailed {
				fault.set(message)
				stop(errFault) // trying again is for whoever watches for long
			}
		},
	}, func(f *event.Frame) {
		if looking.Err() != nil {
			return
		}
		notes.frame(f)
		if err := line.Handle(looking, f); err != nil && looking.Err() == nil {
			stop(err)
		}
		if f.Offset >= cfg.For {
			stop(errEnough)
		}
	})
	closed := line.Close(context.WithoutCancel(ctx))
	return notes.conclude(outcome(err, context.Cause(looking), fault.get()), closed)
}

// Why a look ends.
var (
	errEnough = errors.New("enough has been seen")
	errFault  = errors.New("the source failed")
)

// outcome is the error that tells best why the look ended, or nil.
func outcome(err, cause error, fault string) error {
	switch {
	case err != nil:
		return err
	case errors.Is(cause, errEnough), cause == nil:
		return nil
	case errors.Is(cause, errFault):
		return errors.New(fault)
	}
	return cause
}

// firstFault keeps what a source said first.
type firstFault struct {
	mu   sync.Mutex
	text string
}

func (f *firstFault) set(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.text == "" {
		f.text = text
	}
}

func (f *firstFault) get() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text
}
