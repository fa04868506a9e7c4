package localcloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"porchlight/internal/localcloud/dynamo"
	"porchlight/internal/localcloud/frontdoor"
	"porchlight/internal/localcloud/lambda"
	"porchlight/internal/localcloud/s3"
	"porchlight/internal/localcloud/secrets"
	"porchlight/internal/localcloud/sns"
	"porchlight/internal/localcloud/sqs"
	"porchlight/internal/localcloud/sts"
	"porchlight/internal/localcloud/template"
)

func (c *Cloud) startKeys(context.Context) (err error) {
	c.keys, err = sts.Open(sts.Config{Dir: c.dir("sts"), AccountID: AccountID})
	return err
}

func (c *Cloud) startTables(ctx context.Context) error {
	var err error
	c.tables, err = dynamo.Start(ctx, dynamo.Config{
		Dir: c.dir("dynamodb"), NodeModules: c.cfg.NodeModules, Region: c.cfg.Region, Log: c.cfg.Log,
	})
	if err != nil {
		return err
	}
	c.closing(func() error { c.tables.Close(); return nil })
	for _, t := range []string{"AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table"} {
		err := decodeAll(c.stack, t, func(r *template.Resource, props dynamo.TableProperties) error {
			props.TableName = r.Name
			return c.tables.Provision(ctx, props)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Cloud) startObjects(ctx context.Context) error {
	var err error
	if c.objects, err = s3.Open(s3.Config{Dir: c.dir("s3"), Logger: c.cfg.Log}); err != nil {
		return err
	}
	c.closing(c.objects.Close)
	err = decodeAll(c.stack, "AWS::S3::Bucket", func(r *template.Resource, props s3.Properties) error {
		props.BucketName = r.Name
		return c.objects.Provision(props)
	})
	if err != nil {
		return err
	}
	c.running.Go(func() {
		if err := c.objects.Run(ctx); err != nil && ctx.Err() == nil {
			c.cfg.Log.Error("objects no longer expire", "error", err)
		}
	})
	return nil
}

func (c *Cloud) startQueues(context.Context) error {
	var err error
	if c.queues, err = sqs.Open(sqs.Config{Dir: c.dir("sqs"), Endpoint: c.AWSURL()}); err != nil {
		return err
	}
	c.closing(c.queues.Close)
	err = decodeAll(c.stack, "AWS::SQS::Queue", func(r *template.Resource, props sqs.Properties) error {
		props.QueueName = r.Name
		return c.queues.Provision(r.ARN, props)
	})
	if err != nil {
		return err
	}
	return c.queues.Check()
}

func (c *Cloud) startSecrets(context.Context) error {
	var err error
	if c.secrets, err = secrets.Open(secrets.Config{Dir: c.dir("secrets")}); err != nil {
		return err
	}
	return decodeAll(c.stack, "AWS::SecretsManager::Secret", func(r *template.Resource, props secrets.Properties) error {
		return c.secrets.Provision(r.ARN, r.Name, props)
	})
}

// lambdaKey is the metadata that names a function's folder below lambdas/.
const lambdaKey = "porchlight:lambda"

// retryDelay before a failed asynchronous invocation is tried again. AWS waits
// a minute; at home there is no crowd to be kept off.
const retryDelay = 5 * time.Second

func (c *Cloud) startLambdas(context.Context) error {
	async := map[string]lambda.AsyncConfig{}
	err := decodeAll(c.stack, "AWS::Lambda::EventInvokeConfig", func(_ *template.Resource, p lambda.EventInvokeConfigProperties) error {
		async[p.FunctionName] = lambda.AsyncConfig{
			Retries: p.MaximumRetryAttempts, MaxAge: time.Duration(p.MaximumEventAgeInSeconds) * time.Second,
			Destination: p.DestinationConfig.OnFailure.Destination,
		}
		return nil
	})
	if err != nil {
		return err
	}
	var functions []lambda.Function
	err = decodeAll(c.stack, "AWS::Lambda::Function", func(r *template.Resource, p lambda.FunctionProperties) error {
		folder, _ := r.Metadata[lambdaKey].(string)
		if folder == "" {
			return fmt.Errorf("no metadata %q: it must name the function's folder below lambdas/", lambdaKey)
		}
		functions = append(functions, lambda.Function{
			Name: r.Name, ARN: r.ARN, Role: p.Role, Path: filepath.Join(c.cfg.Lambdas, folder, "bootstrap"),
			Env: p.Environment.Variables, Timeout: time.Duration(p.Timeout) * time.Second, MemorySize: p.MemorySize,
			MaxConcurrency: p.ReservedConcurrentExecutions, Async: async[r.Name],
		})
		return nil
	})
	if err != nil {
		return err
	}
	c.lambdas, err = lambda.New(lambda.Config{
		Logger: c.cfg.Log, Region: c.cfg.Region, Functions: functions, Endpoint: c.AWSURL(),
		QueuePath: filepath.Join(c.cfg.Dir, "cloud", "lambda.db"), RetryDelay: retryDelay,
		Credentials: func(_ context.Context, roleARN string) (string, string, string, time.Time, error) {
			session, err := c.keys.Issue(roleARN, "lambda", nil, time.Hour)
			return session.AccessKeyID, session.SecretAccessKey, session.SessionToken, session.Expiration, err
		},
		OnFailure: func(ctx context.Context, destinationARN string, record []byte) error {
			_, err := c.queues.Send(ctx, destinationARN, string(record), nil)
			return err
		},
	})
	if err != nil {
		return err
	}
	c.closing(c.lambdas.Close)
	return nil
}

func (c *Cloud) startTopics(context.Context) error {
	c.topics = sns.New(sns.Config{Lambda: c.lambdas, Queues: snsQueues{c.queues}, Logger: c.cfg.Log})
	err := decodeAll(c.stack, "AWS::SNS::Topic", func(r *template.Resource, p sns.TopicProperties) error {
		return c.topics.ProvisionTopic(r.ARN, p)
	})
	if err != nil {
		return err
	}
	return decodeAll(c.stack, "AWS::SNS::Subscription", func(r *template.Resource, p sns.SubscriptionProperties) error {
		if p.Protocol == "lambda" && !c.mayInvoke(p.Endpoint, "sns.amazonaws.com", p.TopicArn) {
			return fmt.Errorf("no AWS::Lambda::Permission lets %s invoke %s", p.TopicArn, p.Endpoint)
		}
		return c.topics.Subscribe(r.ARN, p)
	})
}

// snsQueues hands messages from topics to queues.
type snsQueues struct{ queues *sqs.Service }

func (q snsQueues) Send(ctx context.Context, queueARN, body string, attributes map[string]sns.Attribute) error {
	converted := make(map[string]sqs.Attribute, len(attributes))
	for name, a := range attributes {
		converted[name] = sqs.Attribute{DataType: a.Type, StringValue: a.Value}
	}
	_, err := q.queues.Send(ctx, queueARN, body, converted)
	return err
}

func (c *Cloud) frontDoor() (http.Handler, error) {
	return frontdoor.New(frontdoor.Config{
		Region: c.cfg.Region, AccountID: AccountID, Keys: c.keys, Authorizer: c.roles, Logger: c.cfg.Log,
		SecretARN: c.secrets.ARN,
		Handlers: map[string]http.Handler{
			"dynamodb": c.tables.Handler(), "s3": c.objects, "sns": c.topics, "sqs": c.queues,
			"secretsmanager": c.secrets, "iotdata": c.core.DataHandler(), "sts": c.keys,
		},
	})
}

var errNoSuchQueue = errors.New("no such queue")

// queueARN finds a queue of the template by its URL.
func (c *Cloud) queueARN(url string) (string, error) {
	for _, r := range c.stack.OfType("AWS::SQS::Queue") {
		if r.PhysicalID == url {
			return r.ARN, nil
		}
	}
	return "", fmt.Errorf("%w: %s", errNoSuchQueue, url)
}
