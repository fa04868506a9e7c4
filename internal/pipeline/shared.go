package pipeline

import (
	"context"
	"sync"

	"porchlight/internal/event"
)

// Shared lets the pipelines of several cameras take turns at one detector: a
// network is not safe for concurrent use, and one for each camera would cost
// memory for nothing on the few cores of a gateway.
func Shared(d Detector) Detector { return &shared{detector: d} }

type shared struct {
	mu       sync.Mutex
	detector Detector
}

// Detect implements Detector.
func (s *shared) Detect(ctx context.Context, f *event.Frame) ([]event.Detection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.detector.Detect(ctx, f)
}
