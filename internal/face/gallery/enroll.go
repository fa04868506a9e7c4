package gallery

import (
	"context"
	"errors"
	"fmt"
	"math"

	"porchlight/internal/event"
	"porchlight/internal/face"
)

// Errors of photographs to enroll from.
var (
	ErrNoFace    = errors.New("no face in the picture")
	ErrManyFaces = errors.New("several faces in the picture")
	ErrPoor      = errors.New("the face is not good enough to enroll")
	ErrDiffer    = errors.New("the pictures do not show one person")
)

// What a picture to enroll from must be: better than what is recognized later,
// for a bad one spoils every comparison with the person.
const (
	leastSize    = 40.0 // pixels, of the face's shorter side
	mostYaw      = 45.0 // degrees
	leastOverall = 0.35
	leastScore   = 0.7 // of a face; what a detector is less sure of may be a pattern
	beside       = 0.4 // of the largest face's height, from which another is not just in the background
	slack        = 0.1 // of distance, over that from which two faces are of two persons: 0.55 was the most in 150 pictures
)

// Finder finds faces with their landmarks.
type Finder interface {
	Faces(ctx context.Context, f *event.Frame) ([]face.Face, error)
}

// Embedder makes embeddings of faces found.
type Embedder interface {
	Embed(ctx context.Context, f *event.Frame, found face.Face) (face.Embedding, error)
}

// Sample is one picture to enroll from.
type Sample struct {
	Face      face.Face
	Quality   face.Quality
	Embedding face.Embedding
}

// Look makes the sample of a picture that shows one face. Small faces in the
// background do not count. Errors are ErrNoFace, ErrManyFaces and ErrPoor, each
// with the cure, and those of finder and embedder.
func Look(ctx context.Context, finder Finder, embedder Embedder, f *event.Frame) (Sample, error) {
	found, err := finder.Faces(ctx, f)
	if err != nil {
		return Sample{}, err
	}
	only, err := theOne(found)
	if err != nil {
		return Sample{}, err
	}
	crop, err := face.Align(f, only.Landmarks, face.CropSide)
	if err != nil {
		return Sample{}, err
	}
	s := Sample{Face: only, Quality: face.Assess(only, crop)}
	if err := enough(s.Quality); err != nil {
		return Sample{}, err
	}
	s.Embedding, err = embedder.Embed(ctx, f, only)
	return s, err
}

func theOne(found []face.Face) (face.Face, error) {
	var largest face.Face
	for _, x := range found {
		if x.Score >= leastScore && x.Height() > largest.Height() {
			largest = x
		}
	}
	if largest.Score == 0 {
		return face.Face{}, fmt.Errorf("%w: use one in which the face is seen from the front, at least %.0f pixels wide, in good light", ErrNoFace, leastSize)
	}
	count := 0
	for _, x := range found {
		if x.Score >= leastScore && x.Height() >= beside*largest.Height() {
			count++
		}
	}
	if count > 1 {
		return face.Face{}, fmt.Errorf("%w, %d of them: cut out the part with the person to enroll", ErrManyFaces, count)
	}
	return largest, nil
}

func enough(q face.Quality) error {
	switch {
	case !(q.Size >= leastSize):
		return fmt.Errorf("%w: it is %.0f pixels wide: use a picture in which it has at least %.0f", ErrPoor, q.Size, leastSize)
	case !(math.Abs(q.Yaw) <= mostYaw):
		return fmt.Errorf("%w: it is turned aside by about %.0f degrees: use a picture that looks into the camera", ErrPoor, math.Abs(q.Yaw))
	case !(q.Overall >= leastOverall):
		return fmt.Errorf("%w: it is too small or not sharp (quality %.2f, want %.2f): use a larger and sharper picture", ErrPoor, q.Overall, leastOverall)
	}
	return nil
}

// Agree reports, as ErrDiffer, the first picture whose face is far from the mean
// of the others, so that it must be somebody else's. maxDistance is the
// embedder's, from which two faces are of two persons; pictures of one person
// that differ a little more are useful. It returns the picture's place, from 0.
func Agree(pictures []face.Embedding, maxDistance float64) (odd int, err error) {
	limit := maxDistance + slack
	if len(pictures) < 2 {
		return 0, nil
	}
	for i, e := range pictures {
		others := append(append([]face.Embedding(nil), pictures[:i]...), pictures[i+1:]...)
		mean, err := face.Mean(others)
		if err != nil {
			return i, err
		}
		d, err := e.Distance(mean)
		if err != nil {
			return i, err
		}
		if d > limit {
			return i, fmt.Errorf("%w: its face is at a distance of %.2f from the others, at most %.2f is usual: leave it out, or enroll it under another name",
				ErrDiffer, d, limit)
		}
	}
	return 0, nil
}
