// Command api is the Lambda behind the homeowner's HTTP API.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"porchlight/internal/cloud/api"
	"porchlight/internal/cloud/cursor"
	"porchlight/internal/cloud/env"
	"porchlight/internal/cloud/live"
	"porchlight/internal/cloud/playback"
	"porchlight/internal/cloud/store"
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

func wire(ctx context.Context, vars env.Lookup, log *slog.Logger) (*api.API, error) {
	v, err := vars.Strings("TABLE_NAME", "THUMBNAIL_BUCKET", "CURSOR_SECRET_ARN")
	if err != nil {
		return nil, err
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	cursors, err := cursor.FromSecret(ctx, cfg, v[2])
	if err != nil {
		return nil, err
	}
	_, local := vars("AWS_ENDPOINT_URL") // at an IP address, which buckets cannot be subdomains of
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = local })
	streams, media := playback.Connect(cfg)
	return api.New(api.Config{
		Store:   store.New(store.Config{API: dynamodb.NewFromConfig(cfg), Table: v[0]}),
		Cursors: cursors,
		Presign: api.PresignGet(objects, v[1]),
		Video:   playback.New(playback.Config{Streams: streams, Media: media, Objects: objects, Bucket: v[1]}),
		Live:    live.New(live.Connect(cfg)),
		Log:     log,
	}), nil
}
