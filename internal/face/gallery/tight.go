package gallery

import (
	"context"
	"fmt"

	"porchlight/internal/event"
	"porchlight/internal/face"
)

// How a picture is shown to the detector: first as is best for most tight
// crops, then smaller, which finds most of the others.
const (
	tightSide = 1.5     // of the square, in sides of the picture
	leastSide = 160     // pixels
	mostSide  = 480     // pixels, whatever the picture has
	firstPart = 2.0 / 3 // of the square
	laterPart = 0.5
)

// TightEmbedder makes embeddings in the two ways that models want them.
type TightEmbedder interface {
	Embedder
	CropEmbedder
}

// LookTight makes the embedding of the face in a picture that somebody else has
// cut along the face, or of the largest face in any other. Errors are ErrNoFace
// and those of finder and embedder.
func LookTight(ctx context.Context, finder Finder, embedder TightEmbedder, f *event.Frame) (face.Embedding, error) {
	found, err := findTight(ctx, finder, f)
	if err != nil {
		return face.Embedding{}, err
	}
	if !embedder.TakesAligned() {
		if found.Fills(f) { // it was cut already, and so is what the model wants
			found.Box = [4]float64{0, 0, float64(f.Width), float64(f.Height)}
		}
		return embedder.Embed(ctx, f, found)
	}
	crop, err := face.AlignTight(f, found, face.CropSide)
	if err != nil {
		return face.Embedding{}, err
	}
	return embedder.EmbedAligned(ctx, crop)
}

func findTight(ctx context.Context, finder Finder, f *event.Frame) (face.Face, error) {
	side := min(max(int(tightSide*float64(max(f.Width, f.Height))), leastSide), mostSide)
	for _, part := range []float64{firstPart, laterPart} {
		s, err := face.Surround(f, side, part)
		if err != nil {
			return face.Face{}, err
		}
		found, err := finder.Faces(ctx, s.Frame)
		if err != nil {
			return face.Face{}, err
		}
		var largest face.Face
		for _, x := range found {
			if x.Score >= leastScore && x.Height() > largest.Height() {
				largest = x
			}
		}
		if largest.Score > 0 {
			return s.Back(largest), nil
		}
	}
	return face.Face{}, fmt.Errorf("%w of %d x %d pixels", ErrNoFace, f.Width, f.Height)
}
