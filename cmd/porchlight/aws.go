package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iot"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"porchlight/internal/publish"
	"porchlight/internal/rollout"
)

// AWSFlags say which AWS it is.
type AWSFlags struct {
	Region   string `placeholder:"NAME" help:"AWS region (default: that of the environment)."`
	Endpoint string `placeholder:"URL" help:"Address of all AWS services, for stand-ins (default: AWS itself)."`
}

// settings reads the environment and ~/.aws, as the AWS CLI does.
func (f AWSFlags) settings(ctx context.Context) (aws.Config, error) {
	var options []func(*awsconfig.LoadOptions) error
	if f.Region != "" {
		options = append(options, awsconfig.WithRegion(f.Region))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("AWS settings: %w: check the files in ~/.aws and the environment", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, errNoRegion
	}
	if f.Endpoint != "" {
		cfg.BaseEndpoint = aws.String(f.Endpoint)
	}
	return cfg, nil
}

// standIn says whether it is not AWS itself, which names buckets in the path.
func standIn(cfg aws.Config) bool { return cfg.BaseEndpoint != nil }

func (f AWSFlags) rollout(ctx context.Context, streams *Streams) (*rollout.Client, error) {
	cfg, err := f.settings(ctx)
	if err != nil {
		return nil, err
	}
	account, err := (&publish.Publisher{Identity: sts.NewFromConfig(cfg)}).Account(ctx)
	if err != nil {
		return nil, err
	}
	return &rollout.Client{
		Jobs: iot.NewFromConfig(cfg), Objects: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = standIn(cfg) }),
		Partition: account.Partition, Account: account.ID, Region: cfg.Region,
		Step: func(format string, a ...any) { fmt.Fprintf(streams.Stderr, "==> "+format+"\n", a...) },
	}, nil
}
