package capture

import (
	"log/slog"
	"sync"
	"time"

	"porchlight/internal/event"
)

// latest hands frames to a slow handler: it keeps only the newest frame that
// has not been handled, so that latency cannot build up.
type latest struct {
	frames  chan *event.Frame
	done    sync.WaitGroup
	log     *slog.Logger
	dropped int64
	told    int64 // of those dropped
	noted   time.Time
}

// dropWorthy is how many dropped frames are worth a warning: a camera that
// wakes from rest hands on a few at once, which is no slowness.
const dropWorthy = 10

func newLatest(log *slog.Logger, handle func(*event.Frame)) *latest {
	l := &latest{frames: make(chan *event.Frame, 1), log: log}
	l.done.Go(func() {
		for f := range l.frames {
			handle(f)
		}
	})
	return l
}

// put never waits. Only one goroutine at a time may call it.
func (l *latest) put(f *event.Frame) {
	select {
	case l.frames <- f:
		return
	default:
	}
	select {
	case <-l.frames:
		l.dropped++
		if l.dropped-l.told >= dropWorthy && time.Since(l.noted) > time.Minute {
			l.noted, l.told = time.Now(), l.dropped
			l.log.Warn("frames dropped because they are handled too slowly; lower fps or width", "dropped", l.dropped)
		}
	default:
	}
	l.frames <- f // room was made, and nobody else puts
}

// close waits until the last frame has been handled.
func (l *latest) close() {
	close(l.frames)
	l.done.Wait()
	if l.dropped > 0 {
		l.log.Info("frames dropped in all", "dropped", l.dropped)
	}
}
