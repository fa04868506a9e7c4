//go:build cgo

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/face/gallery"
	"porchlight/internal/face/match"
	"porchlight/internal/vision"
)

// Run enrolls the person from all pictures, or from none when one of them will
// not do.
func (c *FacesEnrollCmd) Run(ctx context.Context, streams *Streams) error {
	r, err := c.open(ctx, streams, vision.DefaultMinFace) // a smaller one than will do is told of as such
	if err != nil {
		return err
	}
	defer func() { _ = r.close() }()
	var taken []picture
	err = eachFile(ctx, streams, c.Files, func() error { return nil }, func(file string, f *event.Frame) error {
		if f.Sequence > 0 || len(taken) == gallery.MaxPictures {
			return fmt.Errorf("it is a video, or there are over %d pictures: use a few pictures of the person", gallery.MaxPictures)
		}
		s, err := gallery.Look(ctx, r.finder, r.embedder, f)
		taken = append(taken, picture{file: file, frame: f, Sample: s})
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: %s is not enrolled: replace them or leave them out", err, c.Name)
	}
	err = r.people.update(ctx, func(g *gallery.Gallery) (*gallery.Gallery, error) {
		return c.enroll(g, taken, r.embedder.MaxDistance())
	})
	if err != nil {
		return fmt.Errorf("%s is not enrolled: %w", c.Name, err)
	}
	fmt.Fprintf(streams.Stderr, "%s is enrolled from %d pictures in %s\n", c.Name, len(taken), r.people.where())
	if !c.JSON {
		return nil
	}
	out := newIdentityPrinter(streams.Stdout, true)
	for _, p := range taken {
		if err := out.print(p.file, p.frame, p.Face, c.Name, nil); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	return nil
}

// picture is one to enroll from.
type picture struct {
	file  string
	frame *event.Frame
	gallery.Sample
}

// enroll adds the pictures to a gallery when they show one person, also one
// with those of that name before, whom it does not know by another name.
func (c *FacesEnrollCmd) enroll(g *gallery.Gallery, taken []picture, limit float64) (*gallery.Gallery, error) {
	var pictures, all []face.Embedding
	for _, p := range taken {
		pictures = append(pictures, p.Embedding)
	}
	for _, p := range g.Persons() {
		if p.Name == c.Name {
			all = p.Pictures
		}
	}
	before := len(all)
	all = slices.Concat(all, pictures)
	if odd, err := gallery.Agree(all, limit); err != nil {
		if odd < before { // it differs from most, so the new ones are the odd ones
			odd = before
		}
		return nil, fmt.Errorf("%s: %w", taken[odd-before].file, err)
	}
	if err := c.unlike(g, pictures, limit); err != nil {
		return nil, err
	}
	return g.With(c.Name, pictures, time.Now())
}

// unlike refuses a face that the gallery knows by another name: with two names
// for it, it would be called by neither.
func (c *FacesEnrollCmd) unlike(g *gallery.Gallery, pictures []face.Embedding, limit float64) error {
	mean, err := face.Mean(pictures)
	if err != nil {
		return err
	}
	found, err := g.Nearest(mean)
	if err != nil {
		return err
	}
	known, ok := match.Rule{MaxDistance: limit}.Name(found)
	if ok && known != c.Name {
		return fmt.Errorf("this face is enrolled already, as %s (distance %.2f): use that name, or \"porchlight faces remove\" it first",
			known, found.Best.Distance)
	}
	return nil
}
