// Command thumbnails is the Lambda that S3 tells of the pictures of events.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"porchlight/internal/cloud/env"
	"porchlight/internal/cloud/store"
	"porchlight/internal/cloud/thumbnails"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	handler, err := wire(context.Background(), os.LookupEnv, log)
	if err != nil {
		log.Error("cannot start", "err", err)
		os.Exit(1)
	}
	lambda.Start(handler.Handle)
}

// mostCooldown is a day, in seconds.
const mostCooldown = 24 * 60 * 60

func wire(ctx context.Context, vars env.Lookup, log *slog.Logger) (*thumbnails.Handler, error) {
	v, err := vars.Strings("TABLE_NAME", "THUMBNAIL_BUCKET", "PICTURE_QUEUE_URL", "NOTICE_TOPIC_ARN")
	if err != nil {
		return nil, err
	}
	cooldown, err := vars.Number("REKOGNITION_COOLDOWN_SECONDS", mostCooldown) // 0 or not there: nobody looks
	if err != nil {
		return nil, err
	}
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	_, local := vars("AWS_ENDPOINT_URL") // at an IP address, which buckets cannot be subdomains of
	objects := s3.NewFromConfig(aws, func(o *s3.Options) { o.UsePathStyle = local })
	cfg := thumbnails.Config{
		Store:    store.New(store.Config{API: dynamodb.NewFromConfig(aws), Table: v[0]}),
		Bucket:   v[1],
		Delay:    thumbnails.DelayIn(sqs.NewFromConfig(aws), v[2]),
		Notify:   thumbnails.NotifyOn(sns.NewFromConfig(aws), v[3]),
		Metadata: thumbnails.MetadataFrom(objects),
		Cooldown: time.Duration(cooldown * float64(time.Second)),
		Log:      log,
	}
	if cooldown > 0 {
		cfg.Look = thumbnails.LookWith(rekognition.NewFromConfig(aws))
	}
	return thumbnails.New(cfg), nil
}
