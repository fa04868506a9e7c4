package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"porchlight/internal/capture/simulator"
	"porchlight/internal/event"
)

const (
	idleSettle  = 20 * time.Second // start, first look
	idleMeasure = time.Minute
	idleWidth   = 640 // of a 1080p camera's sub-stream
	maxIdleCPU  = 3.0
	maxIdleRSS  = 40.0 // MB
)

// idle measures the component with one camera, then with three, on which
// nothing happens: what each further one costs is the difference halved.
func idle(ctx context.Context, b *bench) ([]row, error) {
	one, err := b.idleHome(ctx, 1)
	if err != nil {
		return nil, err
	}
	three, err := b.idleHome(ctx, 3)
	if err != nil {
		return nil, err
	}
	further := three.total().plus(one.total().times(-1)).times(0.5)
	cpuRow := func(what string, u usage) row {
		return row{
			what, u.String(), "≤ 3 %, ≤ 40 MB", fmt.Sprintf("%.2f×, %.2f× the budget", u.cpu/maxIdleCPU, u.rss/maxIdleRSS),
			verdict(u.cpu, maxIdleCPU) + ", " + verdict(u.rss, maxIdleRSS),
		}
	}
	return []row{
		cpuRow("gateway with one idle camera (sub-stream, 5 fps)", one.total()),
		{"  of that its decoder", one.decoders.String(), "", "", ""},
		{"  inferences since its start", one.stopped, "no DNN work", "", verdict(one.inferences, firstLook)},
		cpuRow("each further idle camera", further),
	}, nil
}

// firstLook is how many inferences the gate allows a scene that it has not
// seen before: three frames, and every one for two seconds after them.
const firstLook = 3 + 2*lookFPS + 1

type idleResult struct {
	component, decoders usage
	inferences          int64
	stopped             string
}

func (r idleResult) total() usage {
	return r.component.plus(r.decoders)
}

func (b *bench) idleHome(ctx context.Context, cameras int) (_ idleResult, err error) {
	sources := map[string]string{}
	for i := range cameras {
		camera, err := simulator.New(ctx, simulator.Config{File: b.footage.still, FPS: lookFPS, MaxWidth: idleWidth, Log: discard()})
		if err != nil {
			return idleResult{}, err
		}
		defer camera.Close()
		sources[fmt.Sprintf("camera%d", i)] = camera.URL()
	}
	stats := &stoppedCameras{}
	h, err := b.startHome(ctx, fmt.Sprintf("idle%d", cameras), sources, slog.New(stats), func(event.Event, time.Time) {})
	if err != nil {
		return idleResult{}, err
	}
	var result idleResult
	result.component, result.decoders, err = measureComponent(ctx)
	if err = errors.Join(err, h.stop()); err != nil {
		return result, err
	}
	frames, inferences := stats.sum()
	result.inferences = inferences
	result.stopped = fmt.Sprintf("%d of %d frames", inferences, frames)
	return result, nil
}

// measureComponent lets the component come to rest and measures it.
func measureComponent(ctx context.Context) (component, decoders usage, err error) {
	if err := wait(ctx, idleSettle); err != nil {
		return usage{}, usage{}, err
	}
	pid, children, err := findComponent()
	if err != nil {
		return usage{}, usage{}, err
	}
	before, beforeChildren, began := cpuOf(pid), cpuOf(children...), time.Now()
	if err := wait(ctx, idleMeasure); err != nil {
		return usage{}, usage{}, err
	}
	percent := func(d time.Duration) float64 { return 100 * d.Seconds() / time.Since(began).Seconds() }
	component, decoders = memoryOf(pid), memoryOf(children...)
	component.cpu, decoders.cpu = percent(cpuOf(pid)-before), percent(cpuOf(children...)-beforeChildren)
	return component, decoders, nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// stoppedCameras is a log handler that adds up what cameras say when they stop.
type stoppedCameras struct {
	mu                 sync.Mutex
	frames, inferences int64
}

// Enabled implements slog.Handler.
func (*stoppedCameras) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements slog.Handler.
func (s *stoppedCameras) WithAttrs([]slog.Attr) slog.Handler { return s }

// WithGroup implements slog.Handler.
func (s *stoppedCameras) WithGroup(string) slog.Handler { return s }

// Handle implements slog.Handler.
func (s *stoppedCameras) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "camera stopped" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		n, _ := a.Value.Any().(float64) // it was JSON
		switch a.Key {
		case "frames":
			s.frames += int64(n)
		case "inferences":
			s.inferences += int64(n)
		}
		return true
	})
	return nil
}

func (s *stoppedCameras) sum() (frames, inferences int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frames, s.inferences
}
