//go:build cgo

package vision

import (
	"context"
	"errors"
	"fmt"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/modelstore"
)

// ErrCrop is a crop that the model is not made for.
var ErrCrop = errors.New("crop does not suit the model")

// Embedder makes embeddings of faces that a FaceDetector found. It is not safe
// for concurrent use: give each worker its own.
type Embedder struct {
	net   *network
	spec  modelstore.Model
	model face.Model
}

// OpenEmbedder returns the embedder that runs an installed model of kind
// embedding: the wanted one or, when wanted is empty, the first one installed.
// Errors wrap those of modelstore.ChooseEmbedding, or ErrModel.
func OpenEmbedder(store *modelstore.Store, wanted string) (*Embedder, error) {
	m, err := modelstore.ChooseEmbedding(store, wanted)
	if err != nil {
		return nil, err
	}
	files, err := store.Load(m.Name)
	if err != nil {
		return nil, err
	}
	net, err := openNetwork(m.Format, files.Network)
	if err != nil {
		return nil, err
	}
	return &Embedder{
		net: net, spec: m,
		model: face.Model{Name: m.Name, SHA256: files.SHA256(), Dimension: m.Embedding.Dimension},
	}, nil
}

// Model says which network this is.
func (e *Embedder) Model() face.Model { return e.model }

// MaxDistance is the cosine distance from which, for this model, two faces are
// of two persons.
func (e *Embedder) MaxDistance() float64 { return 1 - e.spec.Score }

// Close frees the network. What embeds then fails with ErrClosed.
func (e *Embedder) Close() error {
	if e.net != nil {
		e.net.close()
		e.net = nil
	}
	return nil
}

// Embed makes the embedding of a face in a frame. Errors wrap the context's,
// those of face.Align and face.CutBox, ErrFrame, ErrModel or ErrClosed, and the
// embedder can be used again after any but the last.
func (e *Embedder) Embed(ctx context.Context, f *event.Frame, found face.Face) (face.Embedding, error) {
	if err := checkFrame(f); err != nil {
		return face.Embedding{}, err
	}
	var crop *event.Frame
	var err error
	if e.spec.Embedding.Crop == modelstore.CropBox {
		crop, err = face.CutBox(f, found, e.spec.Input.Width, e.spec.Embedding.Margin)
	} else {
		crop, err = face.Align(f, found.Landmarks, e.spec.Input.Width)
	}
	if err != nil {
		return face.Embedding{}, err
	}
	return e.embed(ctx, crop)
}

// TakesAligned tells that the model wants aligned crops, so that EmbedAligned
// will do.
func (e *Embedder) TakesAligned() bool { return e.spec.Embedding.Crop == modelstore.CropAligned }

// EmbedAligned makes the embedding of a crop that face.Align has cut. A model
// that wants something else is ErrCrop; other errors are those of Embed.
func (e *Embedder) EmbedAligned(ctx context.Context, crop *event.Frame) (face.Embedding, error) {
	if err := checkFrame(crop); err != nil {
		return face.Embedding{}, err
	}
	if !e.TakesAligned() || crop.Width != crop.Height {
		return face.Embedding{}, fmt.Errorf("%w: %d x %d pixels, aligned, for %s, which wants crops of kind %s",
			ErrCrop, crop.Width, crop.Height, e.spec.Name, e.spec.Embedding.Crop)
	}
	return e.embed(ctx, crop)
}

func (e *Embedder) embed(ctx context.Context, crop *event.Frame) (face.Embedding, error) {
	if err := ctx.Err(); err != nil {
		return face.Embedding{}, err
	}
	if e.net == nil {
		return face.Embedding{}, ErrClosed
	}
	vector, err := e.forward(crop)
	if err == nil {
		var made face.Embedding
		if made, err = face.NewEmbedding(e.model, vector); err == nil {
			return made, nil
		}
	}
	return face.Embedding{}, fmt.Errorf("%w: %s: %w: choose another model", ErrModel, e.spec.Name, err)
}

func (e *Embedder) forward(crop *event.Frame) ([]float32, error) {
	blob, err := inputBlob(crop, e.spec.Input, point{X: e.spec.Input.Width, Y: e.spec.Input.Height})
	if err != nil {
		return nil, err
	}
	defer closeMat(blob)
	out, err := e.net.forward(blob)
	if err != nil {
		return nil, err
	}
	if len(out) != 1 {
		return nil, fmt.Errorf("%d outputs, want 1", len(out))
	}
	return out[0].Data, nil
}
