//go:build cgo

package main

import (
	"context"
	"errors"

	"porchlight/internal/modelstore"
	"porchlight/internal/vision"
)

// recognizer is what finds faces and tells them apart, and the gallery.
type recognizer struct {
	finder   *vision.FaceDetector
	embedder *vision.Embedder
	people   people
}

// open returns the recognizer that the flags describe; the caller closes it.
func (r Recognition) open(ctx context.Context, streams *Streams, minFace int) (*recognizer, error) {
	store, err := r.Store(streams)
	if err != nil {
		return nil, err
	}
	people, err := r.people(ctx)
	if err != nil {
		return nil, err
	}
	g, err := people.current(ctx)
	if err != nil {
		return nil, err
	}
	wanted := r.Embedding
	if m, some := g.Model(); some && wanted == "" {
		if _, err := store.Model(m.Name); err == nil {
			wanted = m.Name
		}
	}
	embedder, err := vision.OpenEmbedder(store, wanted)
	if err != nil {
		return nil, wrongModel(err)
	}
	out := &recognizer{embedder: embedder, people: people}
	if err := g.Accepts(embedder.Model()); err != nil {
		return nil, errors.Join(err, out.close())
	}
	if out.finder, err = vision.OpenFaces(store, r.Model, minFace); err != nil {
		return nil, errors.Join(wrongModel(err), out.close())
	}
	return out, nil
}

// wrongModel makes wrong usage of naming a model that cannot do the work.
func wrongModel(err error) error {
	for _, usage := range []error{modelstore.ErrUnknownModel, modelstore.ErrNotEmbedding, vision.ErrNoFaces, vision.ErrMinFace} {
		if errors.Is(err, usage) {
			return usageError{err}
		}
	}
	return err
}

func (r *recognizer) close() error {
	err := r.embedder.Close()
	if r.finder != nil {
		err = errors.Join(err, r.finder.Close())
	}
	return err
}
