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

// DefaultMinFace is the height of the smallest faces to look for, in pixels,
// when nobody says otherwise.
const DefaultMinFace = 20

// Bounds of the smallest face to look for, in pixels. Below the least the work
// grows with the square of how much the picture is magnified.
const (
	leastMinFace = 6
	mostMinFace  = 1 << 16
)

// Errors of OpenFaces.
var (
	ErrNoFaces = errors.New("model does not find faces")
	ErrMinFace = errors.New("minimum face size out of range")
)

// FaceDetector finds faces and their landmarks in frames. It is not safe for
// concurrent use: give each worker its own.
type FaceDetector struct {
	model  string
	engine faceEngine
}

// faceEngine is what a FaceDetector runs.
type faceEngine interface {
	find(ctx context.Context, f *event.Frame) ([]face.Face, error)
	close()
}

// OpenFaces returns the face detector that runs an installed model: mtcnn,
// which finds the most, a YuNet, which is faster, or one of the owner's own
// manifest with the same decoders. Faces lower than minFace pixels are not
// looked for; 0 means DefaultMinFace. Errors wrap those of modelstore.Choose,
// ErrNoFaces, ErrMinFace or ErrModel.
func OpenFaces(store *modelstore.Store, name string, minFace int) (*FaceDetector, error) {
	if minFace == 0 {
		minFace = DefaultMinFace
	}
	if minFace < leastMinFace || minFace > mostMinFace {
		return nil, fmt.Errorf("%w: %d pixels: choose %d to %d", ErrMinFace, minFace, leastMinFace, mostMinFace)
	}
	m, err := store.Model(name)
	if err != nil {
		return nil, err
	}
	open := map[string]func(modelstore.Model, *modelstore.Contents, int) (faceEngine, error){
		modelstore.DecoderMTCNN: openMTCNN,
		modelstore.DecoderYuNet: openYuNet,
	}[m.Decoder]
	if open == nil {
		return nil, fmt.Errorf("%w: %s: choose mtcnn or yunet", ErrNoFaces, name)
	}
	files, err := store.Load(name)
	if err != nil {
		return nil, err
	}
	engine, err := open(m, files, minFace)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w: its files are as the manifest says, so the manifest or the model is at fault: choose another model",
			ErrModel, name, err)
	}
	return &FaceDetector{model: name, engine: engine}, nil
}

// Model names the model in use.
func (d *FaceDetector) Model() string { return d.model }

// Close frees the networks. Faces then fails with ErrClosed.
func (d *FaceDetector) Close() error {
	if d.engine != nil {
		d.engine.close()
		d.engine = nil
	}
	return nil
}

// Faces finds the faces in a frame, best score first. A frame with a side
// shorter than the smallest face has none. Errors wrap the context's,
// ErrFrame, ErrModel or ErrClosed, and the detector can be used again after
// any but the last.
func (d *FaceDetector) Faces(ctx context.Context, f *event.Frame) ([]face.Face, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if d.engine == nil {
		return nil, ErrClosed
	}
	if err := checkFrame(f); err != nil {
		return nil, err
	}
	found, err := d.engine.find(ctx, f)
	switch {
	case err == nil:
		return found, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, fmt.Errorf("%w: %s: %w: choose another model", ErrModel, d.model, err)
}
