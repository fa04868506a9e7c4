package thumbnails

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/stretchr/testify/require"
)

// eyes see what they are told to.
type eyes struct {
	in  *rekognition.DetectLabelsInput
	out []types.Label
	err error
}

func (e *eyes) DetectLabels(_ context.Context, in *rekognition.DetectLabelsInput, _ ...func(*rekognition.Options)) (*rekognition.DetectLabelsOutput, error) {
	e.in = in
	return &rekognition.DetectLabelsOutput{Labels: e.out}, e.err
}

func TestLabelsOfRekognition(t *testing.T) {
	label := func(name string, confidence float32) types.Label {
		return types.Label{Name: &name, Confidence: &confidence}
	}
	e := &eyes{out: []types.Label{
		label("Person", 99.123456), label("Cell Phone", 70), label("PERSON", 80), label("Odd", 120), label("", 90), {Name: aws.String("x")},
		label(strings.Repeat("é", 40), 75),
	}}
	got, err := LookWith(e)(t.Context(), Picture{Bucket: "b", Key: "k"})
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"person": 0.9912, "cell phone": 0.7, "odd": 1, strings.Repeat("é", 32): 0.75}, got)
	require.Equal(t, types.S3Object{Bucket: aws.String("b"), Name: aws.String("k")}, *e.in.Image.S3Object)
	require.LessOrEqual(t, *e.in.MaxLabels, int32(100), "an event has no room for more")

	e.out = nil
	for range 100 {
		e.out = append(e.out, label(strings.Repeat("x", len(e.out)), 90))
	}
	got, err = LookWith(e)(t.Context(), Picture{})
	require.NoError(t, err)
	require.Len(t, got, maxLabels)
}

func TestFailuresOfRekognition(t *testing.T) {
	for _, c := range []struct {
		err      error
		hopeless bool
	}{
		{&types.InvalidImageFormatException{}, true}, {&types.ImageTooLargeException{}, true}, {&types.InvalidS3ObjectException{}, true},
		{&types.ThrottlingException{}, false}, {&types.AccessDeniedException{}, false}, {errors.New("no network"), false},
	} {
		_, err := LookWith(&eyes{err: c.err})(t.Context(), Picture{})
		require.ErrorIs(t, err, c.err)
		require.Equal(t, c.hopeless, errors.Is(err, ErrPicture), "%v", c.err)
	}
}
