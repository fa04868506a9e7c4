package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"porchlight/internal/config"
	"porchlight/test/footage/truth"
)

// pipelines holds the CPU of the detection pipeline against that of looking at
// every frame with the same model and as many threads, on a clip on which
// something moves all the time, on a day, and on a still scene.
func pipelines(ctx context.Context, b *bench) ([]row, error) {
	f := b.footage
	busiest, day, err := f.scenes(ctx, b.data)
	if err != nil {
		return nil, err
	}
	rows, err := f.against(ctx, "constant activity: "+filepath.Base(busiest.file), []scene{busiest}, 2, true)
	if err != nil {
		return nil, err
	}
	dayRows, err := f.against(ctx, fmt.Sprintf("a day: clips in %.0f %% still scene", 100*stillPart), day, 10, false)
	if err != nil {
		return nil, err
	}
	still, err := f.noisy(ctx, b.data)
	if err != nil {
		return nil, err
	}
	p, err := f.pipeline(ctx, still)
	if err != nil {
		return nil, err
	}
	rows = append(append(rows, dayRows...), row{
		"still scene with a sensor's noise", fmt.Sprintf("%.1f %% of a core; inferences after %s: %d, before: %d, of %d frames",
			100*p.perSecond(), warmUp, p.late, p.inferences-p.late, p.frames), "0 inferences", "", verdict(p.late, 0),
	})
	return rows, nil
}

// scenes returns the busiest clip and the day's.
func (f *footage) scenes(ctx context.Context, dir string) (busiest scene, day []scene, err error) {
	if !f.real {
		busiest = scene{file: f.clip, settings: config.CameraDefaults()}
		made, err := f.day(ctx, dir, busiest, 10, 16)
		return busiest, []scene{made}, err
	}
	if busiest, err = f.annotated("vtest.avi"); err != nil {
		return busiest, nil, err
	}
	for _, part := range []struct {
		clip          string
		rate, seconds float64 // until all is quiet again after a happening
	}{{"one-by-one-person-detection.mp4", 10, 22}, {"car-detection.mp4", 12.5, 10}} {
		s, err := f.annotated(part.clip)
		if err != nil {
			return busiest, nil, err
		}
		if s, err = f.day(ctx, dir, s, part.rate, part.seconds); err != nil {
			return busiest, nil, err
		}
		day = append(day, s)
	}
	return busiest, day, nil
}

// against holds the pipeline against inferring every frame, and, where it is
// asked for, against doing so at the pipeline's rate.
func (f *footage) against(ctx context.Context, what string, scenes []scene, least float64, atItsRate bool) ([]row, error) {
	every, err := total(scenes, func(s scene) (*pass, error) { return f.look(ctx, s, 0) })
	if err != nil {
		return nil, err
	}
	ours, err := total(scenes, func(s scene) (*pass, error) { return f.pipeline(ctx, s) })
	if err != nil {
		return nil, err
	}
	rows := []row{{what + ": every frame inferred", every.String(), "", "baseline", ""}}
	ratio := every.cpu.Seconds() / ours.cpu.Seconds()
	text := fmt.Sprintf("%.1f× less", ratio)
	if atItsRate {
		same, err := total(scenes, func(s scene) (*pass, error) { return f.look(ctx, s, lookFPS) })
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{fmt.Sprintf("  every frame at %d fps inferred", lookFPS), same.String(), "", "", ""})
		text += fmt.Sprintf(" (%.1f× than at %d fps)", same.cpu.Seconds()/ours.cpu.Seconds(), lookFPS)
	}
	judged := atLeast(ratio, least)
	if ours.counts.Missed > every.counts.Missed || ours.counts.Extra > every.counts.Extra {
		judged += ", NOT THE SAME EVENTS"
	}
	return append(rows, row{"  the pipeline", ours.String(), fmt.Sprintf("≥ %g× less CPU, same events", least), text, f.judge(judged)}), nil
}

func total(scenes []scene, run func(scene) (*pass, error)) (sum, error) {
	var all sum
	for _, s := range scenes {
		p, err := run(s)
		if err != nil {
			return all, err
		}
		all.add(s, p)
	}
	return all, nil
}

// sum of passes over several scenes.
type sum struct {
	cpu, video         time.Duration
	frames, inferences int64
	counts             truth.Counts
	events             int
	known              bool // what is to be told
}

func (s *sum) add(scene scene, p *pass) {
	c := scene.score(p.events)
	s.known = scene.truth != nil
	s.cpu, s.video, s.frames, s.inferences = s.cpu+p.cpu, s.video+p.video, s.frames+p.frames, s.inferences+p.inferences
	s.counts, s.events = s.counts.Plus(c), s.events+len(p.events)
}

func (s sum) String() string {
	text := fmt.Sprintf("%d events", s.events)
	if s.known {
		text = tell(s.counts)
	}
	return fmt.Sprintf("%.1f %% of a core, %d inferences for %d frames; %s",
		100*s.cpu.Seconds()/s.video.Seconds(), s.inferences, s.frames, text)
}
