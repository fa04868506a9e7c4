package localcloud

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"time"

	"porchlight/internal/localcloud/dynamo"
	"porchlight/internal/localcloud/iotcore"
	"porchlight/internal/localcloud/lambda"
	"porchlight/internal/localcloud/rekognition"
	"porchlight/internal/localcloud/sns"
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

// startCore opens S3, SQS, SNS and Secrets Manager behind the front door.
func (c *Cloud) startCore(ctx context.Context) error {
	iot := http.NewServeMux()
	iot.Handle("/", c.iot.ControlHandler())
	for _, path := range iotcore.JobsPaths() {
		iot.Handle(path, c.iot.JobsHandler())
	}
	var err error
	c.base, err = OpenCore(CoreConfig{
		Dir: filepath.Join(c.cfg.Dir, "cloud"), Stack: c.stack, STS: c.keys, Authorizer: c.roles, Lambda: topicInvoker{c},
		Handlers: map[string]http.Handler{"dynamodb": c.tables.Handler(), "iotdata": c.iot.DataHandler(),
			"iot": iot, "iot-jobs-data": c.iot.JobsDataHandler(), "kinesisvideo": c.video},
		StreamARN: c.video.StreamARN, ChannelARN: c.signaling.ChannelARN, Sessions: map[string]http.Handler{"/hls/v1/": c.video.Sessions(), "/dash/v1/": c.video.Sessions()},
		Detector: rekognition.Config{
			Program: c.cfg.Detector.Program, Model: c.cfg.Detector.Model, Models: c.cfg.Models, Dir: c.dir("rekognition"),
		},
		Logger: c.cfg.Log,
	})
	if err != nil {
		return err
	}
	c.closing(c.base.Close)
	c.running.Go(func() { c.base.Run(ctx) })
	c.running.Go(func() { c.video.Run(ctx) })
	return decodeAll(c.stack, "AWS::SNS::Subscription", func(_ *template.Resource, p sns.SubscriptionProperties) error {
		if p.Protocol == "lambda" && !c.roles.invoke.Allow(p.Endpoint, "sns.amazonaws.com", p.TopicArn) {
			return fmt.Errorf("no AWS::Lambda::Permission lets %s invoke %s: add one", p.TopicArn, p.Endpoint)
		}
		return nil
	})
}

// topicInvoker hands messages from topics to functions. Topics exist before
// functions do, which send their failures to queues.
type topicInvoker struct{ *Cloud }

// InvokeAsync implements sns.LambdaInvoker.
func (t topicInvoker) InvokeAsync(ctx context.Context, functionARN string, payload []byte) error {
	return t.lambdas.InvokeAsync(ctx, functionARN, payload)
}

// lambdaKey is the metadata that names a function's folder below lambdas/.
const lambdaKey = "porchlight:lambda"

// modelsVariable tells a function where its image has networks.
const modelsVariable = "MODELS_DIR"

// retryDelay before a failed asynchronous invocation is tried again. AWS waits
// a minute; at home there is no crowd to be kept off.
const retryDelay = 5 * time.Second

func (c *Cloud) startLambdas(context.Context) error {
	async := map[string]lambda.AsyncConfig{}
	err := decodeAll(c.stack, "AWS::Lambda::EventInvokeConfig", func(_ *template.Resource, p lambda.EventInvokeConfigProperties) error {
		async[p.FunctionName] = p.Async()
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
		f, err := p.Function(r.Name, r.ARN, filepath.Join(c.cfg.Lambdas, folder, "bootstrap"))
		f.Async = async[r.Name]
		if p.PackageType == lambda.Image && c.cfg.Models != "" {
			f.Env = maps.Clone(f.Env)
			if f.Env == nil {
				f.Env = map[string]string{}
			}
			if f.Env[modelsVariable], err = filepath.Abs(c.cfg.Models); err != nil {
				return err
			}
		}
		functions = append(functions, f)
		return err
	})
	if err != nil {
		return err
	}
	c.lambdas, err = lambda.New(lambda.Config{
		Logger: c.cfg.Log, Region: c.cfg.Region, Functions: functions, Endpoint: c.AWSURL(),
		QueuePath: filepath.Join(c.cfg.Dir, "cloud", "lambda.db"), RetryDelay: retryDelay,
		Credentials: func(_ context.Context, roleARN string) (string, string, string, time.Time, error) {
			session, err := c.keys.Issue(roleARN, "lambda", nil, sts.MaxTTL)
			return session.AccessKeyID, session.SecretAccessKey, session.SessionToken, session.Expiration, err
		},
		OnFailure: func(ctx context.Context, destinationARN string, record []byte) error {
			_, err := c.base.SQS.Send(ctx, destinationARN, string(record), nil)
			return err
		},
	})
	if err != nil {
		return err
	}
	c.closing(c.lambdas.Close)
	return nil
}
