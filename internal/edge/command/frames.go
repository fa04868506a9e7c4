package command

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"porchlight/internal/annotate"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// ErrNoPicture is a camera from which nothing came in time.
var ErrNoPicture = errors.New("no picture came from the camera")

// quality of a snapshot's JPEG, 1 to 100.
const quality = 85

// Frames gives the next frame of a camera to whoever waits for one. Nothing is
// kept while nobody does. The zero value is ready.
type Frames struct {
	mu      sync.Mutex
	waiting map[string][]chan *event.Frame
}

// View returns what is to be told of a camera's views, as pipeline has it.
func (f *Frames) View(camera string) func(*pipeline.View) {
	return func(v *pipeline.View) {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, one := range f.waiting[camera] {
			one <- v.Frame // each has room for it
		}
		delete(f.waiting, camera)
	}
}

// JPEG waits for the next frame of a camera, in which the privacy masks are
// burned in. It fails with ErrNoPicture when ctx ends first.
func (f *Frames) JPEG(ctx context.Context, camera string) (jpeg []byte, at time.Time, err error) {
	next := make(chan *event.Frame, 1)
	f.mu.Lock()
	if f.waiting == nil {
		f.waiting = map[string][]chan *event.Frame{}
	}
	f.waiting[camera] = append(f.waiting[camera], next)
	f.mu.Unlock()
	select {
	case frame := <-next:
		jpeg, err := annotate.JPEG(frame, quality)
		return jpeg, frame.Time, err
	case <-ctx.Done():
		f.leave(camera, next)
		return nil, time.Time{}, fmt.Errorf("%w: it is off, in privacy mode or cannot be reached: its status says which: %w", ErrNoPicture, ctx.Err())
	}
}

func (f *Frames) leave(camera string, who chan *event.Frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var others []chan *event.Frame
	for _, one := range f.waiting[camera] {
		if one != who {
			others = append(others, one)
		}
	}
	if len(others) == 0 {
		delete(f.waiting, camera)
		return
	}
	f.waiting[camera] = others
}
