package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iot"
	"github.com/aws/aws-sdk-go-v2/service/iotdataplane"

	"porchlight/internal/event"
)

// CommandCmd is the verb command.
type CommandCmd struct {
	Camera  string            `placeholder:"NAME" help:"Camera that the command is for."`
	Args    map[string]string `name:"arg" placeholder:"KEY=VALUE" help:"Arguments of the command."`
	Expires time.Duration     `placeholder:"DURATION" default:"1m" help:"The device does not begin later than this, at most 1h (default: ${default})."`
	AWSFlags
	Thing string            `arg:"" help:"Device."`
	Name  event.CommandName `arg:"" name:"command" help:"snapshot, record, stop, siren, ptz or reload."`
}

// Run sends the command and does not wait for its reply, which goes to the
// device's replies topic.
func (c *CommandCmd) Run(ctx context.Context, streams *Streams) error {
	now := time.Now()
	if c.Expires <= 0 || c.Expires > time.Hour {
		return usageError{fmt.Errorf("--expires %v: want more than 0s, at most 1h", c.Expires)}
	}
	if err := event.ValidateThing(c.Thing); err != nil {
		return usageError{err}
	}
	command := event.Command{RequestID: event.NewID(now), Command: c.Name, ExpiresAt: event.At(now.Add(c.Expires))}
	for key, value := range c.Args {
		if command.Args == nil {
			command.Args = map[string]any{}
		}
		command.Args[key] = value
	}
	if c.Camera != "" {
		command.Camera = event.CameraID(c.Thing, c.Camera)
	}
	payload, err := command.Marshal()
	if err != nil {
		return usageError{err}
	}
	client, err := c.data(ctx)
	if err != nil {
		return err
	}
	topic := event.Topic(c.Thing, event.ChannelCommands)
	if _, err := client.Publish(ctx, &iotdataplane.PublishInput{Topic: &topic, Payload: payload, Qos: 1}); err != nil {
		return fmt.Errorf("publish %s: %w: this needs iot:Publish on the topic", topic, err)
	}
	return json.NewEncoder(streams.Stdout).Encode(map[string]string{
		"request_id": command.RequestID, "replies": event.Topic(c.Thing, event.ChannelReplies),
	})
}

var errNoEndpoint = errors.New("AWS IoT names no endpoint")

// data finds the account's own endpoint, which only stand-ins do without.
func (c *CommandCmd) data(ctx context.Context) (*iotdataplane.Client, error) {
	cfg, err := c.settings(ctx)
	if err != nil {
		return nil, err
	}
	if !standIn(cfg) {
		found, err := iot.NewFromConfig(cfg).DescribeEndpoint(ctx, &iot.DescribeEndpointInput{EndpointType: aws.String("iot:Data-ATS")})
		if err != nil {
			return nil, fmt.Errorf("find the endpoint of AWS IoT: %w: this needs iot:DescribeEndpoint", err)
		}
		if aws.ToString(found.EndpointAddress) == "" {
			return nil, errNoEndpoint
		}
		cfg.BaseEndpoint = aws.String((&url.URL{Scheme: "https", Host: *found.EndpointAddress}).String())
	}
	return iotdataplane.NewFromConfig(cfg), nil
}
