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

func (w *work) start(run func(ctx context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
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

// upload is a producer at work while it may be.
type upload struct {
	producer *producer.Producer
	camera   context.Context

	mu     sync.Mutex
	cancel context.CancelCauseFunc // nil while it rests
	done   chan struct{}
	closed bool
}

func newUpload(camera context.Context, p *producer.Producer) *upload {
	return &upload{producer: p, camera: camera}
}

// set has the producer work or rest. One that rests completes its fragment
// first, in the background.
func (u *upload) set(works bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.closed:
	case !works && u.cancel != nil:
		u.cancel(nil)
		u.cancel = nil
	case works && u.cancel == nil:
		ctx, cancel := context.WithCancelCause(context.WithoutCancel(u.camera))
		before, done := u.done, make(chan struct{})
		u.cancel, u.done = cancel, done
		private := context.AfterFunc(u.camera, func() {
			if errors.Is(context.Cause(u.camera), ErrPrivate) {
				cancel(ErrPrivate)
			}
		})
		go func() {
			defer close(done)
			defer func() { private() }()
			if before != nil {
				<-before
			}
			_ = u.producer.Run(ctx)
		}()
	}
}

// close ends the producer and waits for it.
func (u *upload) close() {
	u.mu.Lock()
	u.closed = true
	if u.cancel != nil {
		u.cancel(nil)
	}
	done := u.done
	u.mu.Unlock()
	if done != nil {
		<-done
	}
}
