//go:build cgo

// Command faces is the Lambda that says whose face is in a picture. With the
// argument check it only opens its networks, which the build of its image does.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"porchlight/internal/cloud/env"
	"porchlight/internal/cloud/facematch"
	"porchlight/internal/cloud/gallery"
	"porchlight/internal/cloud/store"
)

func main() {
	began := time.Now()
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if len(os.Args) == 2 && os.Args[1] == "check" {
		if err := newRecognizer(os.LookupEnv, log).ready(context.Background()); err != nil {
			log.Error("networks cannot be used", "err", err)
			os.Exit(1)
		}
		return
	}
	handler, err := wire(context.Background(), os.LookupEnv, log)
	if err != nil {
		log.Error("cannot start", "err", err)
		os.Exit(1)
	}
	log.Info("started", "ms", time.Since(began).Milliseconds())
	lambda.Start(handler.Handle)
}

func wire(ctx context.Context, vars env.Lookup, log *slog.Logger) (*facematch.Handler, error) {
	v, err := vars.Strings("TABLE_NAME", "RESPONSE_QUEUE_URL", "DEVICE_ROLE_ID")
	if err != nil {
		return nil, err
	}
	maxDistance, err := vars.Number("FACE_MAX_DISTANCE", 2)
	if err != nil {
		return nil, err
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	db := dynamodb.NewFromConfig(cfg)
	return facematch.New(facematch.Config{
		Recognizer:   newRecognizer(vars, log),
		Galleries:    gallery.New(gallery.Config{API: db, Table: v[0]}),
		Table:        store.New(store.Config{API: db, Table: v[0]}),
		Respond:      facematch.RespondTo(sqs.NewFromConfig(cfg), v[1]),
		DeviceRole:   v[2],
		DefaultOwner: vars.Or("DEFAULT_OWNER", ""),
		MaxDistance:  maxDistance,
		Log:          log,
	}), nil
}
