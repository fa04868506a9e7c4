package pictures

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/function"
	"porchlight/infra/internal/messages"
	"porchlight/infra/internal/naming"
)

const (
	timeoutSeconds = 20
	// hiddenSeconds is how long a message is another invocation's: six times as
	// long as one lasts, as AWS advises. The Lambda itself says when one that
	// failed comes again, which is sooner.
	hiddenSeconds = 6 * timeoutSeconds
	// receives of a message; the last is some seven minutes after the first. A
	// picture whose event has not come by then is a dead letter.
	receives   = 10
	batch      = 10
	mostAtOnce = 5 // invocations
	messageDay = 1
)

// Pictures is the topic of notices.
type Pictures struct {
	topic awssns.Topic
}

// New makes the queue, the Lambda and the topic, to which nobody is subscribed
// yet.
func New(scope constructs.Construct, id string, props Props) *Pictures {
	parent := constructs.NewConstruct(scope, jsii.String(id))
	dead := messages.NewDeadLetterQueue(parent, "DeadLetters")
	queue := awssqs.NewQueue(parent, jsii.String("Queue"), &awssqs.QueueProps{
		Encryption:        awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		RetentionPeriod:   awscdk.Duration_Days(jsii.Number(messageDay)),
		VisibilityTimeout: awscdk.Duration_Seconds(jsii.Number(hiddenSeconds)),
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: dead, MaxReceiveCount: jsii.Number(receives)},
	})
	props.Bucket.Tell(queue)
	p := &Pictures{messages.NewTopic(parent, "Notices")}

	environment := map[string]*string{
		naming.EnvTable:           props.Table.Name(),
		naming.EnvThumbnailBucket: props.Bucket.Name(),
		naming.EnvPictureQueue:    queue.QueueUrl(),
		naming.EnvNoticeTopic:     p.topic.TopicArn(),
	}
	if props.Stage.Rekognition {
		environment[naming.EnvCooldown] = jsii.String(strconv.Itoa(props.Stage.CooldownSeconds))
	}
	fn := function.New(parent, "Lambda", function.Props{
		Name:           naming.LambdaThumbnails,
		Description:    "Labels the pictures of alerts and tells of them",
		Stage:          props.Stage,
		TimeoutSeconds: timeoutSeconds,
		Environment:    environment,
	})
	props.Table.GrantUpsert(fn)
	props.Bucket.GrantRead(fn) // metadata, and Rekognition reads with the caller's rights
	messages.GrantPublish(p.topic, fn)
	allow(fn, *queue.QueueArn(), "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility")
	if props.Stage.Rekognition {
		allow(fn, "*", "rekognition:DetectLabels") // which has no resources
	}
	fn.AddEventSourceMapping(jsii.String("Mapping"), &awslambda.EventSourceMappingOptions{
		EventSourceArn:          queue.QueueArn(),
		BatchSize:               jsii.Number(batch),
		MaxConcurrency:          jsii.Number(mostAtOnce),
		ReportBatchItemFailures: jsii.Bool(true),
	})
	return p
}

// TopicARN is where notices are published, known when it is deployed.
func (p *Pictures) TopicARN() *string { return p.topic.TopicArn() }

func allow(grantee awsiam.IGrantable, resource string, actions ...string) {
	grantee.GrantPrincipal().AddToPrincipalPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: jsii.Strings(resource),
	}))
}
