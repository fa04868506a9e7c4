package localcloud

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"porchlight/internal/localcloud/frontdoor"
	"porchlight/internal/localcloud/rekognition"
	"porchlight/internal/localcloud/s3"
	"porchlight/internal/localcloud/secrets"
	"porchlight/internal/localcloud/sns"
	"porchlight/internal/localcloud/sqs"
	"porchlight/internal/localcloud/sts"
	"porchlight/internal/localcloud/template"
)

// CoreConfig wires the services that need no process of their own.
type CoreConfig struct {
	Dir        string // state directory
	Stack      *template.Stack
	STS        *sts.Service // opened by the caller, since functions need its sessions first
	Authorizer frontdoor.Authorizer
	Lambda     sns.LambdaInvoker // takes what topics send to functions
	// Handlers are the other services behind the front door, by signing name: dynamodb,
	// iot, iotdata, iot-jobs-data, kinesisvideo.
	Handlers map[string]http.Handler
	// Detector looks at the pictures that Rekognition is asked about; its
	// Objects, Authorize and Logger are set here.
	Detector rekognition.Config
	// StreamARN, ChannelARN and Sessions are for the front door, where there is video.
	StreamARN  func(nameOrARN string) string
	ChannelARN func(nameOrARN string) string
	Sessions   map[string]http.Handler
	Now        func() time.Time // time.Now when nil
	Logger     *slog.Logger
}

// Core is the front door with S3, SQS, SNS, Secrets Manager, Rekognition and STS behind it,
// provisioned from the template.
type Core struct {
	Door    *frontdoor.Door
	S3      *s3.Store
	SQS     *sqs.Service
	SNS     *sns.Service
	Secrets *secrets.Store
	logger  *slog.Logger
}

// OpenCore opens the services on their stored state and declares in them what the template holds.
func OpenCore(cfg CoreConfig) (core *Core, err error) {
	c := &Core{logger: cfg.Logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if c.SQS, err = sqs.Open(sqs.Config{Dir: filepath.Join(cfg.Dir, "sqs"), Endpoint: cfg.Stack.Environment.Endpoint, Now: cfg.Now}); err != nil {
		return nil, err
	}
	c.S3, err = s3.Open(s3.Config{
		Dir: filepath.Join(cfg.Dir, "s3"), Region: cfg.Stack.Environment.Region, Queues: bucketSender{c.SQS}, Now: cfg.Now, Logger: cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	if c.Secrets, err = secrets.Open(secrets.Config{Dir: filepath.Join(cfg.Dir, "secrets"), Now: cfg.Now}); err != nil {
		return nil, err
	}
	c.SNS = sns.New(sns.Config{Lambda: cfg.Lambda, Queues: queueSender{c.SQS}, Now: cfg.Now, Logger: cfg.Logger})
	if err = c.provision(cfg.Stack); err != nil {
		return nil, err
	}
	eyes := cfg.Detector
	eyes.Objects, eyes.Authorize, eyes.Logger = c.S3.Object, cfg.Authorizer.Authorize, cfg.Logger
	handlers := map[string]http.Handler{
		"s3": c.S3, "sqs": c.SQS, "sns": c.SNS, "secretsmanager": c.Secrets, "sts": cfg.STS, "rekognition": rekognition.New(eyes),
	}
	maps.Copy(handlers, cfg.Handlers)
	env := cfg.Stack.Environment
	c.Door, err = frontdoor.New(frontdoor.Config{
		Region: env.Region, AccountID: env.AccountID, Partition: env.Partition, Keys: cfg.STS, Authorizer: cfg.Authorizer,
		Handlers: handlers, SecretARN: c.Secrets.ARN, StreamARN: cfg.StreamARN,
		ChannelARN: cfg.ChannelARN, Sessions: cfg.Sessions, Now: cfg.Now, Logger: cfg.Logger,
	})
	return c, err
}

// upkeepEvery is how often expired objects and messages are removed.
const upkeepEvery = time.Hour

// Run removes expired objects and messages, now and every hour, until ctx ends.
func (c *Core) Run(ctx context.Context) {
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	for {
		objects, errObjects := c.S3.Sweep(ctx)
		messages, errMessages := c.SQS.Sweep(ctx)
		if err := errors.Join(errObjects, errMessages); err != nil && ctx.Err() == nil {
			c.logger.Error("what has expired was not all removed", "err", err)
		}
		if objects+messages > 0 {
			c.logger.Info("expired data removed", "objects", objects, "messages", messages)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Close flushes and closes the stores; stop serving first.
func (c *Core) Close() error {
	var errs []error
	if c.S3 != nil {
		errs = append(errs, c.S3.Close())
	}
	if c.SQS != nil {
		errs = append(errs, c.SQS.Close())
	}
	return errors.Join(errs...)
}

func (c *Core) provision(stack *template.Stack) error {
	steps := []struct {
		resourceType string
		provision    func(*template.Resource) error
	}{
		{"AWS::S3::Bucket", decoded(func(r *template.Resource, p s3.Properties) error {
			p.BucketName = r.Name
			return c.S3.Provision(p)
		})},
		{"AWS::SQS::Queue", decoded(func(r *template.Resource, p sqs.Properties) error { return c.SQS.Provision(r.ARN, p) })},
		{"AWS::SecretsManager::Secret", decoded(func(r *template.Resource, p secrets.Properties) error {
			return c.Secrets.Provision(r.ARN, r.Name, p)
		})},
		{"AWS::SNS::Topic", decoded(func(r *template.Resource, p sns.TopicProperties) error { return c.SNS.ProvisionTopic(r.ARN, p) })},
		{"AWS::SNS::Subscription", decoded(func(r *template.Resource, p sns.SubscriptionProperties) error {
			return c.SNS.Subscribe(r.ARN, p)
		})},
	}
	for _, step := range steps {
		for _, r := range stack.OfType(step.resourceType) {
			if err := step.provision(r); err != nil {
				return fmt.Errorf("resource %s (%s): %w", r.LogicalID, r.Type, err)
			}
		}
	}
	if err := c.SQS.Check(); err != nil {
		return err
	}
	return c.checkNotifications(stack)
}

// decoded adapts a function that wants typed properties.
func decoded[P any](f func(*template.Resource, P) error) func(*template.Resource) error {
	return func(r *template.Resource) error {
		var p P
		if err := template.Decode(r.Properties, &p); err != nil {
			return err
		}
		return f(r, p)
	}
}

// queueSender lets topics deliver to queues.
type queueSender struct{ queues *sqs.Service }

// Send implements sns.QueueSender.
func (q queueSender) Send(ctx context.Context, queueARN, body string, attributes map[string]sns.Attribute) error {
	var out map[string]sqs.Attribute
	for name, a := range attributes {
		if out == nil {
			out = map[string]sqs.Attribute{}
		}
		converted := sqs.Attribute{DataType: a.Type, StringValue: a.Value}
		if strings.HasPrefix(a.Type, "Binary") {
			raw, err := base64.StdEncoding.DecodeString(a.Value)
			if err != nil {
				return fmt.Errorf("attribute %s: %w", name, err)
			}
			converted = sqs.Attribute{DataType: a.Type, BinaryValue: raw}
		}
		out[name] = converted
	}
	_, err := q.queues.Send(ctx, queueARN, body, out)
	return err
}
