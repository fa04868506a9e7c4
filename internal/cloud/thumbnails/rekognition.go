package thumbnails

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
)

const (
	maxLabels     = 20 // asked of Rekognition for one picture
	minConfidence = 70 // percent
	maxLabel      = 64 // bytes of a name, as of a device's labels
)

// Eyes is the part of Rekognition that looking takes.
type Eyes interface {
	DetectLabels(context.Context, *rekognition.DetectLabelsInput, ...func(*rekognition.Options)) (*rekognition.DetectLabelsOutput, error)
}

// LookWith returns the Look of Rekognition, which reads the picture itself,
// with the rights of the caller.
func LookWith(eyes Eyes) func(context.Context, Picture) (map[string]float64, error) {
	return func(ctx context.Context, p Picture) (map[string]float64, error) {
		out, err := eyes.DetectLabels(ctx, &rekognition.DetectLabelsInput{
			Image:     &types.Image{S3Object: &types.S3Object{Bucket: &p.Bucket, Name: &p.Key}},
			MaxLabels: aws.Int32(maxLabels), MinConfidence: aws.Float32(minConfidence),
		})
		if hopeless(err) {
			return nil, fmt.Errorf("%w: %w", ErrPicture, err)
		}
		if err != nil {
			return nil, err
		}
		labels := map[string]float64{}
		for _, l := range out.Labels {
			name := labelName(aws.ToString(l.Name))
			if name == "" || l.Confidence == nil || len(labels) == maxLabels {
				continue
			}
			score := math.Round(min(max(float64(*l.Confidence)/100, 0), 1)*1e4) / 1e4
			labels[name] = max(labels[name], score)
		}
		return labels, nil
	}
}

// hopeless: the picture is what is wrong. One that was deleted is an invalid
// object to Rekognition, as is one that it may not read.
func hopeless(err error) bool {
	var format *types.InvalidImageFormatException
	var size *types.ImageTooLargeException
	var object *types.InvalidS3ObjectException
	return errors.As(err, &format) || errors.As(err, &size) || errors.As(err, &object)
}

// labelName writes a label as devices do: "Cell Phone" is "cell phone".
func labelName(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	for len(name) > maxLabel {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return strings.ToValidUTF8(name, "")
}
