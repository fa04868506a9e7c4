package evidence

import (
	"context"
	"errors"
	"sync"

	"porchlight/internal/kvs/producer"
)

// work is what runs in the background until it is told to end. The zero value
// is ready to use.
type work struct {
	running sync.WaitGroup
	stops   []context.CancelFunc
}

// start has run work until end, or until ctx ends.
func (w *work) start(ctx context.Context, run func(ctx context.Context)) {
	ctx, stop := context.WithCancel(ctx)
	w.stops = append(w.stops, stop)
	w.running.Go(func() { run(ctx) })
}

// end ends all of it and returns when it has.
func (w *work) end() {
	for _, stop := range w.stops {
		stop()
	}
	w.running.Wait()
}

// startUpload has a producer work until end, and no longer than until the
// camera goes into privacy mode: then not a byte more leaves the home.
func (w *work) startUpload(camera context.Context, p *producer.Producer) {
	ctx, stop := context.WithCancelCause(context.WithoutCancel(camera))
	unwatch := context.AfterFunc(camera, func() {
		if errors.Is(context.Cause(camera), ErrPrivate) {
			stop(producer.ErrAbandon)
		}
	})
	w.stops = append(w.stops, func() { stop(nil) })
	w.running.Go(func() {
		defer unwatch()
		_ = p.Run(ctx) // ends with ctx alone
	})
}
