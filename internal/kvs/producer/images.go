package producer

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
)

// Images says where Kinesis Video Streams puts its pictures of events that ask
// for them
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/gs-s3Delivery.html).
type Images struct {
	Bucket   string
	Region   string        // of the bucket, which must be the streams'
	Interval time.Duration // between two pictures of a fragment, 200 ms to 20 s
	Width    int           // pixels
}

// Prepare makes sure that a stream can be uploaded to, and that pictures can be
// made of it if they are wanted, so that the first event need not wait for
// that. It fails as Endpoint does.
func (s *Streams) Prepare(ctx context.Context, stream string, images bool) error {
	if _, err := s.Endpoint(ctx, stream, false); err != nil {
		return err
	}
	if !images || s.cfg.Images == nil {
		return nil
	}
	if err := s.configureImages(ctx, stream, s.cfg.Images); err != nil {
		return s.explain(stream, err)
	}
	return nil
}

func (s *Streams) configureImages(ctx context.Context, stream string, i *Images) error {
	want := &types.ImageGenerationConfiguration{
		DestinationConfig: &types.ImageGenerationDestinationConfig{Uri: aws.String("s3://" + i.Bucket), DestinationRegion: &i.Region},
		Format:            types.FormatJpeg,
		ImageSelectorType: types.ImageSelectorTypeProducerTimestamp,
		SamplingInterval:  aws.Int32(int32(i.Interval.Milliseconds())),
		Status:            types.ConfigurationStatusEnabled,
		WidthPixels:       aws.Int32(int32(i.Width)),
	}
	out, err := s.cfg.Client.DescribeImageGenerationConfiguration(ctx, &kinesisvideo.DescribeImageGenerationConfigurationInput{StreamName: &stream})
	if err != nil {
		return err
	}
	if have := out.ImageGenerationConfiguration; have != nil && have.DestinationConfig != nil &&
		*have.DestinationConfig.Uri == *want.DestinationConfig.Uri && have.Status == want.Status && have.Format == want.Format &&
		aws.ToInt32(have.SamplingInterval) == *want.SamplingInterval && aws.ToInt32(have.WidthPixels) == *want.WidthPixels {
		return nil
	}
	_, err = s.cfg.Client.UpdateImageGenerationConfiguration(ctx, &kinesisvideo.UpdateImageGenerationConfigurationInput{
		StreamName: &stream, ImageGenerationConfiguration: want,
	})
	return err
}
