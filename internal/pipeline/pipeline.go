// Package pipeline turns the frames of one camera into events: a motion gate
// decides when to look, a detector looks, a tracker follows, and the event
// recorder decides what a person would call one happening.
//
// It is pure Go. The detector, which is not, comes in through an interface.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/track"
)

// Detector finds objects in a frame. It is called from one goroutine at a time.
type Detector interface {
	Detect(ctx context.Context, f *event.Frame) ([]event.Detection, error)
}

// Sink takes what the pipeline has to say. Publish gets each state of each
// event in order, and a JPEG when there is a new best picture.
type Sink interface {
	Publish(ctx context.Context, e event.Event, thumbnail []byte) error
}

// FaceDetector finds faces in a picture of a person. Like Detector it is
// called from one goroutine at a time.
type FaceDetector interface {
	Faces(ctx context.Context, f *event.Frame) ([]face.Face, error)
}

// Config of one camera's pipeline. Camera, Settings, Detector and Sink are required.
type Config struct {
	Camera    string        // <thing>.<name>
	Settings  config.Camera // the owner's wishes; Source, FPS and MaxWidth are the capture's
	Detector  Detector
	Input     int          // side of the detector's input in pixels; 0: 416
	Faces     FaceDetector // nil: no faces are looked for
	Sink      Sink
	Model     string      // named in every event
	MinScore  float64     // detections below are ignored, where Settings say nothing else
	StateFile string      // what must survive a restart; empty: nothing does
	OnView    func(*View) // nil: nobody watches
	Log       *slog.Logger
}

// Stats counts what a pipeline has done.
type Stats struct {
	Frames     int64
	Inferences int64
	Events     int64
}

// Pipeline of one camera. It is used by one goroutine at a time.
type Pipeline struct {
	cfg      Config
	motion   *motionGate
	tracker  *track.Tracker
	recorder *recorder
	stats    Stats
	lookedAt time.Time
	movedAt  time.Time
}

// How the gate opens: while something moves and a while after, every frame is
// looked at; while an object stands still, one frame now and then.
const (
	afterMotion = 2 * time.Second
	stillEvery  = time.Second
)

// New returns a pipeline that has seen nothing yet.
func New(cfg Config) *Pipeline {
	return &Pipeline{
		cfg: cfg, motion: newMotionGate(), tracker: track.New(track.Config{}),
		recorder: newRecorder(cfg.Camera, cfg.Model, cfg.Settings.Quiet),
	}
}

// Handle looks at one frame. Frames must come in order of time. An error of
// the detector or the sink is returned; the pipeline can go on after it.
func (p *Pipeline) Handle(ctx context.Context, f *event.Frame) error {
	p.stats.Frames++
	if p.motion.moving(f) {
		p.movedAt = f.Time
	}
	var tracks []track.Track
	var fault error
	if p.shouldLook(f.Time) {
		p.lookedAt = f.Time
		p.stats.Inferences++
		found, err := p.cfg.Detector.Detect(ctx, f)
		if err != nil {
			fault = fmt.Errorf("detect: %w", err)
		} else {
			tracks = p.tracker.Update(track.Sight{Frame: f, Looked: []event.Box{{X1: 1, Y1: 1}}, Found: p.wanted(found)})
		}
	}
	// Also after a fault: an open event must end in its time.
	return errors.Join(fault, p.publish(ctx, p.recorder.observe(f, tracks)))
}

// Close ends the event that is open, if one is.
func (p *Pipeline) Close(ctx context.Context) error {
	return p.publish(ctx, p.recorder.finish())
}

// Stats returns what has been done so far.
func (p *Pipeline) Stats() Stats { return p.stats }

func (p *Pipeline) shouldLook(at time.Time) bool {
	if at.Sub(p.movedAt) <= afterMotion {
		return true
	}
	return len(p.tracker.Predict(at)) > 0 && at.Sub(p.lookedAt) >= stillEvery
}

func (p *Pipeline) wanted(found []event.Detection) []event.Detection {
	return slices.DeleteFunc(found, func(d event.Detection) bool {
		return d.Score < p.cfg.MinScore || (len(p.cfg.Settings.Labels) > 0 && !slices.Contains(p.cfg.Settings.Labels, d.Label))
	})
}

// publish says all there is to say: an event without its picture is better
// than none.
func (p *Pipeline) publish(ctx context.Context, news []news) (faults error) {
	for _, n := range news {
		if n.event.State == event.Started {
			p.stats.Events++
		}
		var thumbnail []byte
		if n.picture != nil {
			var err error
			if thumbnail, err = Thumbnail(n.picture); err != nil {
				faults = errors.Join(faults, fmt.Errorf("thumbnail of event %s: %w", n.event.EventID, err))
			}
		}
		if err := p.cfg.Sink.Publish(ctx, n.event, thumbnail); err != nil {
			faults = errors.Join(faults, fmt.Errorf("publish event %s: %w", n.event.EventID, err))
		}
	}
	return faults
}
