package main

import (
	"context"
	"errors"
	"syscall"
	"time"

	"porchlight/internal/capture"
	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
	"porchlight/internal/vision"
)

// What the component does unless told otherwise.
const (
	minScore = 0.5
	quiet    = 5 * time.Second
	lookFPS  = 5
	maxWidth = 1280
)

// pass is one run over some video as fast as it goes.
type pass struct {
	frames     int64
	inferences int64
	events     int64
	video      time.Duration // shown
	cpu        time.Duration // of this process and its decoders
	persons    []bool        // by frame; only where every frame is looked at
}

// perSecond is the CPU that a second of the video costs.
func (p *pass) perSecond() float64 { return p.cpu.Seconds() / p.video.Seconds() }

// everyFrame looks at each frame of the clip, as a loop without a motion gate
// does. It is made once.
func (f *footage) everyFrame(ctx context.Context) (*pass, error) {
	if f.every != nil {
		return f.every, nil
	}
	p, err := f.look(ctx, f.clip, 0)
	if err == nil {
		f.every = p
	}
	return p, err
}

// look runs the detector alone on every frame at this rate; 0 is the file's own.
func (f *footage) look(ctx context.Context, file string, fps float64) (*pass, error) {
	p := &pass{}
	return p, f.play(ctx, file, fps, p, func(d *vision.Detector, frame *event.Frame) error {
		found, err := d.Detect(ctx, frame)
		person := false
		for _, o := range found {
			person = person || o.Label == "person" && o.Score >= minScore
		}
		p.persons, p.inferences = append(p.persons, person), p.inferences+1
		return err
	})
}

// pipeline runs the component's pipeline over a file.
func (f *footage) pipeline(ctx context.Context, file string) (*pass, error) {
	p := &pass{}
	var line *pipeline.Pipeline
	err := f.play(ctx, file, lookFPS, p, func(d *vision.Detector, frame *event.Frame) error {
		if line == nil {
			line = pipeline.New(pipeline.Config{
				Camera: "bench.clip", Detector: d, Sink: nowhere{}, Model: f.model, MinScore: minScore, Settings: config.Camera{Quiet: quiet},
			})
		}
		return line.Handle(ctx, frame)
	})
	if line != nil {
		s := line.Stats()
		p.inferences, p.events = s.Inferences, s.Events
	}
	return p, err
}

func (f *footage) play(ctx context.Context, file string, fps float64, p *pass,
	each func(*vision.Detector, *event.Frame) error,
) (err error) {
	detector, err := f.detector()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, detector.Close()) }()
	playing, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	before := cpuTime()
	err = capture.Run(playing, capture.Config{
		Name: "bench", URL: file, FPS: fps, MaxWidth: maxWidth, Pace: capture.FullSpeed, Log: discard(),
	}, func(frame *event.Frame) {
		if playing.Err() != nil {
			return
		}
		p.frames, p.video = p.frames+1, frame.Offset
		if err := each(detector, frame); err != nil {
			stop(err)
		}
	})
	p.cpu = cpuTime() - before
	return errors.Join(err, context.Cause(playing)) // neither, when it played to its end
}

// nowhere takes events and forgets them.
type nowhere struct{}

// Publish implements pipeline.Sink.
func (nowhere) Publish(context.Context, event.Event, []byte) error { return nil }

// cpuTime is what this process and its ended children have used.
func cpuTime() time.Duration {
	var total time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var use syscall.Rusage
		if err := syscall.Getrusage(who, &use); err == nil {
			total += time.Duration(use.Utime.Nano() + use.Stime.Nano())
		}
	}
	return total
}
