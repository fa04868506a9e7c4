//go:build cgo

package main

import (
	"context"
	"errors"
	"fmt"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/face/gallery"
	"porchlight/internal/face/match"
)

// Run identifies the faces in every file. A bad file is reported and the others
// are still done.
func (c *FacesIdentifyCmd) Run(ctx context.Context, streams *Streams) error {
	r, err := c.open(ctx, streams, c.MinFace)
	if err != nil {
		return err
	}
	defer func() { _ = r.close() }()
	g, err := r.people.current(ctx)
	if err != nil {
		return err
	}
	if len(g.Persons()) == 0 {
		streams.Log.WarnContext(ctx, "nobody is enrolled", "gallery", r.people.where(), "cure", "porchlight faces enroll NAME FILE…")
	}
	rule := match.Rule{MaxDistance: c.MaxDistance}
	if rule.MaxDistance == 0 {
		rule.MaxDistance = r.embedder.MaxDistance()
	}
	out := newIdentityPrinter(streams.Stdout, c.JSON)
	return eachFile(ctx, streams, c.Files, out.close, func(file string, f *event.Frame) error {
		faces, err := r.finder.Faces(ctx, f)
		if err != nil {
			return err
		}
		for _, found := range faces {
			name, distance, err := r.identify(ctx, g, rule, f, found)
			if err != nil {
				return err
			}
			if err := out.print(file, f, found, name, distance); err != nil {
				return fmt.Errorf("write result: %w", err)
			}
		}
		return nil
	})
}

func (r *recognizer) identify(ctx context.Context, g *gallery.Gallery, rule match.Rule, f *event.Frame, found face.Face) (string, *float64, error) {
	if len(g.Persons()) == 0 {
		return "", nil, nil
	}
	e, err := r.embedder.Embed(ctx, f, found)
	if errors.Is(err, face.ErrLandmarks) { // found, but no more than a pattern
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	nearest, err := g.Nearest(e)
	if err != nil {
		return "", nil, err
	}
	name, _ := rule.Name(nearest)
	return name, &nearest.Best.Distance, nil
}
