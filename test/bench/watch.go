package main

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"porchlight/internal/event"
)

const (
	pollEvery = 20 * time.Millisecond
	patience  = 15 * time.Second // then an event is missed
	early     = 3 * time.Second  // that an event may start before its cause can be recognised: it begins with the motion
)

// sample is one appearance and what became of it.
type sample struct {
	camera            string
	visible, readable time.Time
	event             *event.Event // as the API first gave it
}

// watch matches appearances with events.
type watch struct {
	mu      sync.Mutex
	opened  bool
	closed  bool
	samples []*sample
	saidAt  map[string]time.Time // when the component first told of an event
	started map[string]event.Event
	taken   map[string]bool // events that are matched
	failed  error
}

func newWatch() *watch {
	return &watch{saidAt: map[string]time.Time{}, started: map[string]event.Event{}, taken: map[string]bool{}}
}

func (w *watch) open() { w.mu.Lock(); w.opened = true; w.mu.Unlock() }
func (w *watch) shut() { w.mu.Lock(); w.closed = true; w.mu.Unlock() }

func (w *watch) visible(camera string, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opened && !w.closed {
		w.samples = append(w.samples, &sample{camera: camera, visible: at})
	}
}

func (w *watch) told(e event.Event, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.State == event.Started {
		w.saidAt[e.EventID], w.started[e.EventID] = at, e
	}
}

// poll asks the API while an appearance waits for its event, until no more
// are to come.
func (w *watch) poll(ctx context.Context, owner *api) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		waiting, more := w.waiting(time.Now())
		if !waiting && !more {
			return
		}
		if !waiting {
			continue
		}
		page, _, err := owner.events(ctx, url.Values{"limit": {"20"}})
		if err != nil {
			w.failed = err
			return
		}
		w.match(page, time.Now())
	}
}

func (w *watch) waiting(now time.Time) (waiting, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.samples {
		waiting = waiting || s.event == nil && now.Sub(s.visible) < patience
	}
	return waiting, !w.closed
}

func (w *watch) match(page []event.Event, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.samples {
		if s.event != nil {
			continue
		}
		for _, e := range page {
			late := e.StartedAt.Sub(s.visible)
			if e.Camera == s.camera && !w.taken[e.EventID] && late > -early && late < patience {
				w.taken[e.EventID] = true
				s.event, s.readable = &e, now
				break
			}
		}
	}
}

func (w *watch) rows(b *bench) []row {
	var all, seen, sure, said, read []time.Duration
	missed := 0
	for _, s := range w.samples {
		if s.event == nil {
			missed++
			continue
		}
		all = append(all, s.readable.Sub(s.visible))
		start, told := w.started[s.event.EventID], w.saidAt[s.event.EventID]
		seen = append(seen, start.StartedAt.Sub(s.visible))
		sure = append(sure, start.UpdatedAt.Sub(start.StartedAt.Time))
		said = append(said, told.Sub(start.UpdatedAt.Time))
		read = append(read, s.readable.Sub(told))
	}
	p50, p95 := percentile(all, 0.5), percentile(all, 0.95)
	out := []row{
		{"object visible → event readable, p50", ms(p50), "≤ 1000 ms", fmt.Sprintf("%.2f× the budget", p50.Seconds()/maxP50.Seconds()), verdict(p50, maxP50)},
		{"object visible → event readable, p95", ms(p95), "≤ 2000 ms", fmt.Sprintf("%.2f× the budget", p95.Seconds()/maxP95.Seconds()), verdict(p95, maxP95)},
		{"  samples", fmt.Sprintf("%d on %d cameras, slowest %s", len(all), b.cameras, ms(percentile(all, 1))), "", "", ""},
		{"  appearances without an event", fmt.Sprint(missed), "0", "", verdict(missed, 0)},
	}
	for _, part := range []struct {
		what  string
		times []time.Duration
	}{
		{"  visible → picture it was first seen on", seen}, {"  first seen → picture it proved true on", sure},
		{"  that picture taken → event on its way", said}, {"  on its way → readable", read},
	} {
		out = append(out, row{part.what, fmt.Sprintf("p50 %s, p95 %s", ms(percentile(part.times, 0.5)), ms(percentile(part.times, 0.95))), "", "", ""})
	}
	return out
}
