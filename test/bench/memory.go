package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/replay"
)

const (
	memoryCommand = "memory-of-cameras" // what this program calls itself with
	manyCameras   = 4
	maxGrowth     = 0.05
	maxCameraMB   = 40.0
)

// memory shows clips to several cameras at a time, in a process of its own:
// whatever else this one has done does not count.
func memory(ctx context.Context, b *bench) ([]row, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{memoryCommand, "-root", b.root, "-length", b.memory.String()}
	cmd := exec.CommandContext(ctx, program, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, b.progress
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w", memoryCommand, err)
	}
	var m memoryUse
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		return nil, err
	}
	return m.rows(b)
}

// memoryUse is what the process of the cameras says of itself.
type memoryUse struct {
	Base    memorySample // the model is loaded, has been used once, and no camera is there
	Samples []memorySample
}

// memorySample in MB.
type memorySample struct {
	Shown    time.Duration // to the camera that has been shown least
	RSS      float64       // of the process
	Decoders float64       // of its children: proportional, what they share counts once
}

func (m *memoryUse) rows(b *bench) ([]row, error) {
	early, late := m.mean(0.15, 0.25), m.mean(0.9, 1)
	if early.RSS == 0 || late.RSS == 0 {
		return nil, errors.New("the cameras were shown too little to measure their memory; lengthen it with -memory")
	}
	peak := 0.0
	for _, s := range m.Samples {
		peak = max(peak, s.RSS)
	}
	growth := (late.RSS - early.RSS) / early.RSS
	ours, decoder := (late.RSS-m.Base.RSS)/manyCameras, late.Decoders/manyCameras
	return []row{
		{
			fmt.Sprintf("%d cameras, %s each: RSS of the process", manyCameras, b.memory),
			fmt.Sprintf("%.0f MB after a fifth, %.0f MB at the end, %.0f MB at most", early.RSS, late.RSS, peak),
			fmt.Sprintf("flat: grows ≤ %.0f %%", 100*maxGrowth), fmt.Sprintf("%+.1f %%", 100*growth), verdict(growth, maxGrowth),
		},
		{"  of that the model, used once, without a camera", fmt.Sprintf("%.0f MB", m.Base.RSS), "", "", ""},
		{
			"  each camera above the model", fmt.Sprintf("%.1f MB: %.1f in the process, %.1f its decoder", ours+decoder, ours, decoder),
			fmt.Sprintf("≤ %.0f MB", maxCameraMB), fmt.Sprintf("%.2f× the budget", (ours+decoder)/maxCameraMB), verdict(ours+decoder, maxCameraMB),
		},
	}, nil
}

// mean of the samples in a part of the length.
func (m *memoryUse) mean(from, to float64) (mean memorySample) {
	if len(m.Samples) == 0 {
		return mean
	}
	length := float64(m.Samples[len(m.Samples)-1].Shown)
	n := 0.0
	for _, s := range m.Samples {
		if part := float64(s.Shown) / length; part >= from && part <= to {
			mean.RSS, mean.Decoders, n = mean.RSS+s.RSS, mean.Decoders+s.Decoders, n+1
		}
	}
	if n > 0 {
		mean.RSS, mean.Decoders = mean.RSS/n, mean.Decoders/n
	}
	return mean
}

// watchMemory is the process of the cameras.
func watchMemory(ctx context.Context, args []string, stdout io.Writer) (err error) {
	flags := flag.NewFlagSet(memoryCommand, flag.ContinueOnError)
	root := flags.String("root", ".", "")
	length := flags.Duration("length", 10*time.Minute, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "porchlight-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f, err := openFootage(ctx, *root, dir)
	if err != nil {
		return err
	}
	files, err := f.four(dir)
	if err != nil {
		return err
	}
	detector, err := f.detector()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, detector.Close()) }()
	side := detector.Input()
	if _, err := detector.Detect(ctx, &event.Frame{Width: side, Height: side, Pix: make([]byte, side*side*3)}); err != nil {
		return err
	}
	debug.FreeOSMemory() // what loading has left behind is not the model
	s := newSampler(files)
	use := memoryUse{Base: s.sample()}
	stop := s.start()
	_, err = replay.Run(ctx, replay.Config{
		Files: files, Settings: config.CameraDefaults(), Detector: detector, Input: side, Model: f.model, MinScore: minScore,
		Together: true, Length: *length, OnProgress: s.progress, Log: discard(),
	})
	use.Samples = stop()
	return errors.Join(err, json.NewEncoder(stdout).Encode(use))
}

// four are the videos of as many cameras: wide and narrow, busy and quiet.
func (f *footage) four(dir string) (files []string, err error) {
	if f.real {
		for _, name := range []string{"one-by-one-person-detection.mp4", "vtest.avi", "car-detection.mp4", "bottle-detection.mp4"} {
			files = append(files, filepath.Join(f.folder, name))
		}
		return files, nil
	}
	for i := range manyCameras { // one file cannot be told from itself
		name := filepath.Join(dir, fmt.Sprintf("camera%d.mp4", i))
		if err := os.Symlink(f.clip, name); err != nil {
			return nil, err
		}
		files = append(files, name)
	}
	return files, nil
}

// sampler looks at the memory of this process now and then.
type sampler struct {
	mu    sync.Mutex
	shown map[string]time.Duration
}

const sampleEvery = 500 * time.Millisecond

func newSampler(files []string) *sampler {
	s := &sampler{shown: map[string]time.Duration{}}
	for _, f := range files {
		s.shown[f] = 0
	}
	return s
}

func (s *sampler) progress(file string, shown time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown[file] = shown
}

func (s *sampler) sample() memorySample {
	s.mu.Lock()
	least := time.Duration(1 << 62)
	for _, shown := range s.shown {
		least = min(least, shown)
	}
	s.mu.Unlock()
	return memorySample{Shown: least, RSS: memoryOf(os.Getpid()).rss, Decoders: memoryOf(childrenOf(os.Getpid())...).pss}
}

// start samples until the returned function is called, which returns what there was.
func (s *sampler) start() func() []memorySample {
	var all []memorySample
	done := make(chan struct{})
	var sampling sync.WaitGroup
	sampling.Go(func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				all = append(all, s.sample())
			}
		}
	})
	return func() []memorySample {
		close(done)
		sampling.Wait()
		return all
	}
}
