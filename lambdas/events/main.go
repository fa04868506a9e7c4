// Command events is the Lambda between the things' topics and the table.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"porchlight/internal/cloud/env"
	"porchlight/internal/cloud/ingest"
	"porchlight/internal/cloud/store"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ingester, err := wire(context.Background(), os.LookupEnv, log)
	if err != nil {
		log.Error("cannot start", "err", err)
		os.Exit(1)
	}
	lambda.Start(ingester.Handle)
}

func wire(ctx context.Context, vars env.Lookup, log *slog.Logger) (*ingest.Ingester, error) {
	table, err := vars.String("TABLE_NAME")
	if err != nil {
		return nil, err
	}
	retention, err := vars.Days("EVENT_RETENTION_DAYS")
	if err != nil {
		return nil, err
	}
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	db := store.New(store.Config{API: dynamodb.NewFromConfig(aws), Table: table})
	return ingest.New(ingest.Config{Store: db, Retention: retention, Log: log}), nil
}
