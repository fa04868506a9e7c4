package edge

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// errNoPicture says that a camera has none to give.
var errNoPicture = errors.New("no picture")

// pictures gives out the next picture of a camera to those who ask for one,
// privacy masks burned in. Nothing is kept while nobody asks.
type pictures struct {
	mu      sync.Mutex
	waiting map[string][]chan *event.Frame // by camera
	cameras map[string]bool                // that are at work
}

func newPictures() *pictures {
	return &pictures{waiting: map[string][]chan *event.Frame{}, cameras: map[string]bool{}}
}

// watch returns what is to be called with each view of a camera, which then
// calls next, if there is one.
func (p *pictures) watch(camera string, next func(*pipeline.View)) func(*pipeline.View) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cameras[camera] = true
	return func(v *pipeline.View) {
		p.deliver(camera, v.Frame)
		if next != nil {
			next(v)
		}
	}
}

// forget is called when a camera has stopped.
func (p *pictures) forget(camera string) {
	p.mu.Lock()
	delete(p.cameras, camera)
	p.mu.Unlock()
	p.deliver(camera, nil)
}

func (p *pictures) deliver(camera string, f *event.Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, to := range p.waiting[camera] {
		to <- f // each holds one
	}
	delete(p.waiting, camera)
}

// next waits for the next picture of a camera.
func (p *pictures) next(ctx context.Context, camera string) (*event.Frame, error) {
	to := make(chan *event.Frame, 1)
	p.mu.Lock()
	known := p.cameras[camera]
	if known {
		p.waiting[camera] = append(p.waiting[camera], to)
	}
	p.mu.Unlock()
	if !known {
		return nil, fmt.Errorf("%w: camera %s is not at work: it is not configured, or in privacy mode", errNoPicture, camera)
	}
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: camera %s sends none: %w", errNoPicture, camera, ctx.Err())
	case f := <-to:
		if f == nil {
			return nil, fmt.Errorf("%w: camera %s has been stopped", errNoPicture, camera)
		}
		return f, nil
	}
}
