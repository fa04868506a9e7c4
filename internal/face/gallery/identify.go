package gallery

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/face/match"
)

// ErrAligned is an embedding model that a camera cannot use.
var ErrAligned = errors.New("model does not take aligned faces")

// Source hands out the gallery as it is now: a Gallery, or a File.
type Source interface {
	Current() (*Gallery, error)
}

// CropEmbedder makes embeddings of aligned crops.
type CropEmbedder interface {
	Model() face.Model
	MaxDistance() float64 // from which two faces are of two persons
	TakesAligned() bool
	EmbedAligned(ctx context.Context, crop *event.Frame) (face.Embedding, error)
}

// Identifier says whose face a crop shows, as a camera's pipeline asks. It is
// safe for concurrent use, so that all cameras can share one network: each asks
// about once a second while it sees a face.
type Identifier struct {
	source Source

	mu       sync.Mutex // of the embedder, which need not be safe
	embedder CropEmbedder
}

// NewIdentifier returns the identifier of an embedder and a gallery. An
// embedder that does not take aligned crops is ErrAligned, a gallery of another
// model ErrModel; one that cannot be read is an error as well.
func NewIdentifier(e CropEmbedder, s Source) (*Identifier, error) {
	if !e.TakesAligned() {
		return nil, fmt.Errorf("%w: %s: choose one whose manifest says crop aligned, as that of sface does", ErrAligned, e.Model().Name)
	}
	g, err := s.Current()
	if err != nil {
		return nil, err
	}
	if err := g.Accepts(e.Model()); err != nil {
		return nil, err
	}
	return &Identifier{embedder: e, source: s}, nil
}

// Identify returns the name of the enrolled person whose face the crop shows,
// or none, and the cosine distance to the nearest, 2 when nobody is enrolled.
// The gallery is asked each time, so that whoever was removed is not named.
func (i *Identifier) Identify(ctx context.Context, crop face.Crop) (name string, distance float64, err error) {
	g, err := i.source.Current()
	if err != nil {
		return "", 0, err
	}
	if len(g.persons) == 0 {
		return "", 2, nil
	}
	if crop.Frame == nil {
		return "", 0, fmt.Errorf("%w: the crop has no picture", face.ErrFrame)
	}
	e, err := i.embed(ctx, crop.Frame)
	if err != nil {
		return "", 0, err
	}
	found, err := g.Nearest(e)
	if err != nil {
		return "", 0, err
	}
	name, _ = match.Rule{MaxDistance: i.embedder.MaxDistance()}.Name(found)
	return name, found.Best.Distance, nil
}

func (i *Identifier) embed(ctx context.Context, crop *event.Frame) (face.Embedding, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.embedder.EmbedAligned(ctx, crop)
}
