//go:build cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"porchlight/internal/cloud/env"
	"porchlight/internal/cloud/facematch"
	"porchlight/internal/face"
	"porchlight/internal/face/gallery"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision"
	"porchlight/models"
)

// minFace is the height of the smallest faces looked for, in pixels of a
// picture that is made at most 480 pixels large.
const minFace = 24

// recognizer opens its networks when the first picture comes, so that a
// function that has nothing to do starts quickly, and tries again with the
// next one where that fails.
type recognizer struct {
	dir, finder, embedder string
	log                   *slog.Logger

	open *networks
}

func newRecognizer(vars env.Lookup, log *slog.Logger) *recognizer {
	return &recognizer{
		dir: vars.Or("MODELS_DIR", "/opt/models"), finder: vars.Or("FACE_DETECTOR", "mtcnn"), embedder: vars.Or("FACE_EMBEDDING", ""), log: log,
	}
}

type networks struct {
	finder   *vision.FaceDetector
	embedder *vision.Embedder
}

// Look implements facematch.Recognizer.
func (r *recognizer) Look(ctx context.Context, picture []byte) (face.Embedding, error) {
	if err := r.ready(ctx); err != nil {
		return face.Embedding{}, err
	}
	frame, err := vision.DecodeImage(picture)
	if errors.Is(err, vision.ErrImage) {
		return face.Embedding{}, fmt.Errorf("%w: %w", facematch.ErrPicture, err)
	}
	if err != nil {
		return face.Embedding{}, err
	}
	return gallery.LookTight(ctx, r.open.finder, r.open.embedder, frame)
}

// MaxDistance implements facematch.Recognizer. It is asked after Look.
func (r *recognizer) MaxDistance() float64 { return r.open.embedder.MaxDistance() }

func (r *recognizer) ready(ctx context.Context) error {
	if r.open != nil {
		return nil
	}
	began := time.Now()
	store, err := modelstore.New(modelstore.Config{Dir: r.dir, Manifest: models.Manifest(), Log: r.log})
	if err != nil {
		return err
	}
	n := &networks{}
	if n.embedder, err = vision.OpenEmbedder(store, r.embedder); err != nil {
		return fmt.Errorf("models in %s: %w", r.dir, err)
	}
	if n.finder, err = vision.OpenFaces(store, r.finder, minFace); err != nil {
		return errors.Join(fmt.Errorf("models in %s: %w", r.dir, err), n.embedder.Close())
	}
	r.open = n
	r.log.InfoContext(ctx, "models opened", "ms", time.Since(began).Milliseconds(),
		"detector", r.finder, "embedding", n.embedder.Model().Name, "max_distance", n.embedder.MaxDistance())
	return nil
}
