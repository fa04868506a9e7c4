package faces

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/function"
	"porchlight/infra/internal/messages"
	"porchlight/infra/internal/naming"
)

const (
	timeoutSeconds = 20
	// hiddenSeconds is how long a request is another invocation's: six times as
	// long as one lasts, as AWS advises.
	hiddenSeconds = 6 * timeoutSeconds
	receives      = 3 // after which a request is a dead letter
	batch         = 10
	mostAtOnce    = 5 // invocations
	requestDays   = 1 // an answer that comes later helps nobody
	answerDays    = 4
	deadDays      = 4 // shorter than others': pictures of faces are in them
)

// Faces is the two queues.
type Faces struct {
	requests, answers awssqs.Queue
}

// New makes the queues and the Lambda. Nobody is allowed to receive answers:
// an identity of the account that collects them is given that by whoever
// makes it. No device is, for it would get other owners' answers.
func New(scope constructs.Construct, id string, props Props) *Faces {
	parent := constructs.NewConstruct(scope, jsii.String(id))
	dead := queue(parent, "DeadLetters", nil, deadDays, nil)
	f := &Faces{
		requests: queue(parent, "Requests", jsii.String(naming.Scoped(props.Stage.Name, naming.FaceRequests)), requestDays, &awssqs.QueueProps{
			VisibilityTimeout: awscdk.Duration_Seconds(jsii.Number(hiddenSeconds)),
			DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: dead, MaxReceiveCount: jsii.Number(receives)},
		}),
		answers: queue(parent, "Answers", jsii.String(naming.Scoped(props.Stage.Name, naming.FaceAnswers)), answerDays, nil),
	}
	environment := map[string]*string{
		naming.EnvTable:         props.Table.Name(),
		naming.EnvResponseQueue: f.answers.QueueUrl(),
		naming.EnvDeviceRole:    props.DeviceRole.RoleId(),
	}
	if props.Stage.FacesDefaultOwner != "" {
		environment[naming.EnvDefaultOwner] = jsii.String(props.Stage.FacesDefaultOwner)
	}
	fn := function.NewImage(parent, "Lambda", function.Props{
		Name:           naming.LambdaFaces,
		Description:    "Says whose face is in a picture",
		Stage:          props.Stage,
		TimeoutSeconds: timeoutSeconds,
		Environment:    environment,
	})
	props.Table.GrantFaces(fn)
	messages.GrantSend(f.answers, fn)
	allow(fn, f.requests, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
	fn.AddEventSourceMapping(jsii.String("Mapping"), &awslambda.EventSourceMappingOptions{
		EventSourceArn:          f.requests.QueueArn(),
		BatchSize:               jsii.Number(batch),
		MaxConcurrency:          jsii.Number(mostAtOnce),
		ReportBatchItemFailures: jsii.Bool(true),
	})
	for _, q := range []awssqs.Queue{f.requests, f.answers} {
		allow(props.DeviceRole, q, "sqs:SendMessage", "sqs:GetQueueUrl")
	}
	return f
}

// RequestsURL is where requests are sent, known when it is deployed.
func (f *Faces) RequestsURL() *string { return f.requests.QueueUrl() }

// AnswersURL is where answers are received, known when it is deployed.
func (f *Faces) AnswersURL() *string { return f.answers.QueueUrl() }

// queue makes one: encrypted, TLS only.
func queue(scope constructs.Construct, id string, name *string, days float64, props *awssqs.QueueProps) awssqs.Queue {
	if props == nil {
		props = &awssqs.QueueProps{}
	}
	props.QueueName = name
	props.Encryption = awssqs.QueueEncryption_SQS_MANAGED
	props.EnforceSSL = jsii.Bool(true)
	props.RetentionPeriod = awscdk.Duration_Days(jsii.Number(days))
	return awssqs.NewQueue(scope, jsii.String(id), props)
}

func allow(grantee awsiam.IGrantable, q awssqs.IQueue, actions ...string) {
	grantee.GrantPrincipal().AddToPrincipalPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: &[]*string{q.QueueArn()},
	}))
}
