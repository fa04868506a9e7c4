package evidence

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"

	"porchlight/internal/config"
	"porchlight/internal/kvs/producer"
)

// imaging has Kinesis Video Streams make pictures of what is tagged in a
// stream, from the first use of the stream on
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/images.html). It
// is used by one goroutine at a time.
type imaging struct {
	producer.Endpoints
	client *kinesisvideo.Client
	cloud  config.Cloud
	log    *slog.Logger
	done   bool
}

// How pictures are made.
const (
	pictureEvery   = 3 * time.Second
	picturePatient = 10 * time.Second // video does not wait longer for it
)

// Endpoint implements producer.Endpoints.
func (i *imaging) Endpoint(ctx context.Context, stream string, renew bool) (string, error) {
	endpoint, err := i.Endpoints.Endpoint(ctx, stream, renew)
	if err != nil || i.done || i.cloud.ThumbnailBucket == "" {
		return endpoint, err
	}
	patience, cancel := context.WithTimeout(ctx, picturePatient)
	defer cancel()
	_, fault := i.client.UpdateImageGenerationConfiguration(patience, &kinesisvideo.UpdateImageGenerationConfigurationInput{
		StreamName: &stream,
		ImageGenerationConfiguration: &types.ImageGenerationConfiguration{
			Status: types.ConfigurationStatusEnabled, ImageSelectorType: types.ImageSelectorTypeProducerTimestamp,
			Format: types.FormatJpeg, SamplingInterval: aws.Int32(int32(pictureEvery.Milliseconds())),
			DestinationConfig: &types.ImageGenerationDestinationConfig{
				Uri: aws.String("s3://" + i.cloud.ThumbnailBucket), DestinationRegion: &i.cloud.Region,
			},
		},
	})
	if fault != nil {
		i.log.Warn("no pictures are made of what is uploaded; it is tried again with the next connection", "error", fault)
	}
	i.done = fault == nil
	return endpoint, nil
}
