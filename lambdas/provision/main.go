// Command provision is the Lambda that AWS IoT asks whether a device may be
// provisioned.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iot"

	"porchlight/internal/cloud/env"
	"porchlight/internal/cloud/provisioning"
	"porchlight/internal/cloud/store"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	hook, err := wire(context.Background(), os.LookupEnv, log)
	if err != nil {
		log.Error("cannot start", "err", err)
		os.Exit(1)
	}
	lambda.Start(hook.Handle)
}

func wire(ctx context.Context, vars env.Lookup, log *slog.Logger) (*provisioning.Hook, error) {
	table, err := vars.String("TABLE_NAME")
	if err != nil {
		return nil, err
	}
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return provisioning.New(provisioning.Config{
		Store:               store.New(store.Config{API: dynamodb.NewFromConfig(aws), Table: table}),
		CredentialsEndpoint: provisioning.CredentialsEndpoint(iot.NewFromConfig(aws)),
		Log:                 log,
	}), nil
}
