package main

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"time"

	"porchlight/internal/capture"
	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
	"porchlight/internal/vision"
	"porchlight/test/footage/truth"
)

// What the component does unless told otherwise.
const (
	minScore = 0.5
	lookFPS  = 5
	maxWidth = 1280
)

// warmUp is how long the pipeline may take to know a scene.
const warmUp = 10 * time.Second

// pass is one run over some video as fast as it goes.
type pass struct {
	frames     int64
	inferences int64
	late       int64 // inferences after warmUp
	events     []truth.Event
	video      time.Duration // shown
	cpu        time.Duration // of this process and its decoders
	persons    []bool        // by frame; only where every frame is looked at
	sightings  []sighting    // likewise
}

// perSecond is the CPU that a second of the video costs.
func (p *pass) perSecond() float64 { return p.cpu.Seconds() / p.video.Seconds() }

// everyFrame looks at each frame of the clip, as a loop without a motion gate
// does. It is made once.
func (f *footage) everyFrame(ctx context.Context) (*pass, error) {
	if f.every != nil {
		return f.every, nil
	}
	p, err := f.look(ctx, scene{file: f.clip, settings: config.CameraDefaults()}, 0)
	if err == nil {
		f.every = p
	}
	return p, err
}

// look runs the detector alone on every frame at this rate; 0 is the file's own.
func (f *footage) look(ctx context.Context, s scene, fps float64) (*pass, error) {
	p := &pass{}
	err := f.play(ctx, s.file, fps, p, func(d *vision.Detector, frame *event.Frame) error {
		found, err := d.Detect(ctx, frame)
		seen := sighting{at: frame.Offset.Seconds()}
		for _, o := range found {
			if label := s.label(o.Label); label != "" && o.Score >= minScore {
				seen.labels = append(seen.labels, label)
			}
		}
		p.persons = append(p.persons, slices.Contains(seen.labels, "person"))
		p.sightings, p.inferences = append(p.sightings, seen), p.inferences+1
		return err
	})
	p.events = runs(p.sightings)
	return p, err
}

// pipeline runs the component's pipeline over a file.
func (f *footage) pipeline(ctx context.Context, s scene) (*pass, error) {
	p, out := &pass{}, &sink{last: map[string]*truth.Event{}}
	var line *pipeline.Pipeline
	err := f.play(ctx, s.file, lookFPS, p, func(d *vision.Detector, frame *event.Frame) error {
		if line == nil {
			line = pipeline.New(pipeline.Config{
				Camera: "bench.clip", Detector: d, Input: d.Input(), Sink: out, Model: f.model, MinScore: minScore,
				Settings: s.settings, Log: discard(),
			})
			out.origin = frame.Time.Add(-frame.Offset)
		}
		before := line.Stats().Inferences
		err := line.Handle(ctx, frame)
		if frame.Offset > warmUp {
			p.late += line.Stats().Inferences - before
		}
		return err
	})
	if line != nil {
		err = errors.Join(err, line.Close(ctx))
		p.inferences, p.events = line.Stats().Inferences, out.events()
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
