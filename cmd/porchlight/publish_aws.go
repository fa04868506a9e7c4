package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/greengrassv2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"porchlight/internal/publish"
)

var errNoRegion = errors.New("no AWS region: give one with --region or AWS_REGION")

// publish takes the components to AWS and prints what became of them.
func (c *PublishCmd) publish(ctx context.Context, streams *Streams, components []*publish.Component) error {
	publisher, err := c.publisher(ctx, streams)
	if err != nil {
		return err
	}
	account, err := publisher.Account(ctx)
	if err != nil {
		return err
	}
	var done []publish.Published
	for _, component := range components {
		one, err := publisher.Publish(ctx, account, component)
		if err != nil {
			return err
		}
		done = append(done, one)
		if err := c.print(streams, one, fmt.Sprintf("%s %s %s: %s", one.Component, one.Version, one.State, one.ARN)); err != nil {
			return err
		}
	}
	if c.DeployTo == "" {
		return nil
	}
	deployed, err := publisher.Deploy(ctx, account, c.DeployTo, done)
	if err != nil {
		return err
	}
	return c.print(streams, map[string]publish.Deployed{"deployment": deployed},
		fmt.Sprintf("deployment %s %s: %s", deployed.ID, deployed.State, deployed.Target))
}

func (c *PublishCmd) print(streams *Streams, line any, words string) error {
	if c.JSON {
		return json.NewEncoder(streams.Stdout).Encode(line)
	}
	fmt.Fprintln(streams.Stdout, words)
	return nil
}

func (c *PublishCmd) publisher(ctx context.Context, streams *Streams) (*publish.Publisher, error) {
	var options []func(*awsconfig.LoadOptions) error
	if c.Region != "" {
		options = append(options, awsconfig.WithRegion(c.Region))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("AWS settings: %w: check the files in ~/.aws and the environment", err)
	}
	if cfg.Region == "" {
		return nil, errNoRegion
	}
	if c.Endpoint != "" {
		cfg.BaseEndpoint = aws.String(c.Endpoint)
	}
	return &publish.Publisher{
		Objects:    s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = c.Endpoint != "" }),
		Greengrass: greengrassv2.NewFromConfig(cfg), Identity: sts.NewFromConfig(cfg), Region: cfg.Region,
		Step:  func(format string, a ...any) { fmt.Fprintf(streams.Stderr, "==> "+format+"\n", a...) },
		Pause: publish.Wait,
	}, nil
}
