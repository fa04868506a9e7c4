package evidence

import (
	"context"
	"errors"
	"time"

	"porchlight/internal/backoff"
	"porchlight/internal/config"
	"porchlight/internal/kvs/producer"
)

// How pictures of alerts are made: few, and as large as a phone is wide.
const (
	imageInterval = 3 * time.Second
	imageWidth    = 640 // pixels
)

// pictures says where Kinesis Video Streams puts pictures.
func pictures(cloud config.Cloud) *producer.Images {
	return &producer.Images{Bucket: cloud.ThumbnailBucket, Region: cloud.Region, Interval: imageInterval, Width: imageWidth}
}

// Waits between two tries to prepare a stream.
const (
	prepareSoon = time.Second
	prepareLate = 5 * time.Minute
)

// prepare has the camera's stream ready before its first event. Without it
// uploading begins later and makes up for that.
func (k *Keeper) prepare(ctx context.Context) {
	retry := backoff.Backoff{Min: prepareSoon, Max: prepareLate}
	for {
		err := k.locker.streams.Prepare(ctx, k.camera, k.desk.wishes.upload.Images)
		if err == nil || ctx.Err() != nil {
			return
		}
		if errors.Is(err, producer.ErrStream) {
			k.log.Warn("the stream for this camera's video is not ready, or no pictures are made of it", "error", err)
		}
		if backoff.Pause(ctx, retry.Delay()); ctx.Err() != nil {
			return
		}
	}
}
