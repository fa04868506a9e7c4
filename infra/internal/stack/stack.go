// Package stack puts the constructs together into the one stack that a
// deployment consists of.
package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/components"
	"porchlight/infra/internal/cursorkey"
	"porchlight/infra/internal/device"
	"porchlight/infra/internal/faces"
	"porchlight/infra/internal/function"
	"porchlight/infra/internal/httpapi"
	"porchlight/infra/internal/messages"
	"porchlight/infra/internal/naming"
	"porchlight/infra/internal/pictures"
	"porchlight/infra/internal/provisioning"
	"porchlight/infra/internal/rules"
	"porchlight/infra/internal/signin"
	"porchlight/infra/internal/stage"
	"porchlight/infra/internal/table"
	"porchlight/infra/internal/thumbnails"
	"porchlight/infra/internal/video"
)

// Time limits of the Lambdas, in seconds.
const (
	eventsTimeout    = 30
	apiTimeout       = 29 // HTTP APIs wait for 30, and a clip may take as long
	provisionTimeout = 5  // AWS IoT waits no longer for its hook
)

// New makes the stack of a stage in app. It fails, saying what to run, when a
// Lambda has not been built.
func New(app constructs.Construct, s stage.Stage) (awscdk.Stack, error) {
	if err := built(s); err != nil {
		return nil, err
	}
	stack := awscdk.NewStack(app, jsii.String(naming.StackName(s.Name)), &awscdk.StackProps{
		Description: jsii.String("Porchlight: smart-home cameras"),
		// No usage metadata: the template holds what we wrote, and the same
		// under every version of the library.
		AnalyticsReporting:    jsii.Bool(false),
		TerminationProtection: jsii.Bool(s.Retain),
	})

	store := table.New(stack, "Table", table.Props{Retain: s.Retain})
	bucket := thumbnails.New(stack, "Thumbnails", thumbnails.Props{Retain: s.Retain, ExpireDays: s.EventDays})
	topic := messages.NewTopic(stack, "DeviceMessages")
	dead := messages.NewDeadLetterQueue(stack, "DeadLetters")

	rules.New(stack, "EventsRule", rules.Props{
		Stage: s.Name, Topic: naming.TopicEvents, Target: topic, DeadLetters: dead,
	})
	rules.New(stack, "StatusRule", rules.Props{
		Stage: s.Name, Topic: naming.TopicStatus, Target: topic, DeadLetters: dead,
	})
	rules.New(stack, "SensorsRule", rules.Props{
		Stage: s.Name, Topic: naming.RuleSensors, Filter: naming.FilterSensors, Target: topic, DeadLetters: dead,
	})
	topic.AddSubscription(awssnssubscriptions.NewLambdaSubscription(newEvents(stack, s, store, dead),
		&awssnssubscriptions.LambdaSubscriptionProps{DeadLetterQueue: dead}))

	login := signin.New(stack, "SignIn", signin.Props{Stage: s})
	url := httpapi.New(stack, "HttpApi", httpapi.Props{
		Stage: s, Handler: newAPI(stack, s, store, bucket),
		Issuer: login.Issuer(), ClientID: login.ClientID(),
	})
	access := device.New(stack, "Device", device.Props{Stage: s.Name, Thumbnails: bucket})
	software := components.New(stack, "Components", components.Props{Retain: s.Retain, Thumbnails: bucket})
	fleet := provisioning.New(stack, "Provisioning", provisioning.Props{
		Stage: s.Name, Hook: newHook(stack, s, store), Device: access, Thumbnails: bucket,
	})
	seen := pictures.New(stack, "Pictures", pictures.Props{Stage: s, Table: store, Bucket: bucket})

	outputs := []output{
		{naming.OutAPIURL, url},
		{naming.OutUserPoolID, login.PoolID()},
		{naming.OutUserPoolClientID, login.ClientID()},
		{naming.OutIssuer, login.Issuer()},
		{naming.OutSignInURL, login.URL()},
		{naming.OutThingPolicyName, access.PolicyName()},
		{naming.OutRoleAliasName, access.RoleAliasName()},
		{naming.OutThumbnailBucket, bucket.Name()},
		{naming.OutComponentBucket, software.BucketName()},
		{naming.OutCorePolicy, software.PolicyARN()},
		{naming.OutTable, store.Name()},
		{naming.OutDeviceMessages, topic.TopicArn()},
		{naming.OutDeadLetterQueueURL, dead.QueueUrl()},
		{naming.OutProvisioning, fleet.TemplateName()},
		{naming.OutClaimPolicyName, fleet.ClaimPolicyName()},
		{naming.OutNotices, seen.TopicARN()},
	}
	if s.Faces {
		people := faces.New(stack, "Faces", faces.Props{Stage: s, Table: store, DeviceRole: access.Role()})
		outputs = append(outputs, output{naming.OutFaceRequests, people.RequestsURL()}, output{naming.OutFaceAnswers, people.AnswersURL()})
	}
	for _, out := range outputs {
		awscdk.NewCfnOutput(stack, jsii.String(out.name), &awscdk.CfnOutputProps{Value: out.value})
	}
	return stack, nil
}

// output is one of the stack's.
type output struct {
	name  string
	value *string
}

// built says which Lambda is not, and what to run.
func built(s stage.Stage) error {
	need := []string{
		naming.LambdaEvents + "/bootstrap", naming.LambdaAPI + "/bootstrap", naming.LambdaProvision + "/bootstrap", naming.LambdaThumbnails + "/bootstrap",
	}
	if s.Faces {
		need = append(need, naming.LambdaFaces+"/Dockerfile")
	}
	for _, file := range need {
		if _, err := os.Stat(filepath.Join(s.Lambdas, file)); err != nil {
			return fmt.Errorf("lambda %s is not built: run sh build-lambdas.sh in infra: %w", filepath.Dir(file), err)
		}
	}
	return nil
}

func newEvents(scope constructs.Construct, s stage.Stage, store *table.Table, dead awssqs.IQueue) awslambda.Function {
	fn := function.New(scope, "Events", function.Props{
		Name:           naming.LambdaEvents,
		Description:    "Keeps the events and the status that devices send",
		Stage:          s,
		TimeoutSeconds: eventsTimeout,
		Environment: map[string]*string{
			naming.EnvTable:         store.Name(),
			naming.EnvRetentionDays: jsii.String(strconv.Itoa(s.EventDays)),
		},
		DeadLetters: dead,
	})
	store.GrantUpsert(fn)
	return fn
}

func newAPI(scope constructs.Construct, s stage.Stage, store *table.Table, pictures *thumbnails.Bucket) awslambda.Function {
	key := cursorkey.New(scope, "CursorKey")
	fn := function.New(scope, "Api", function.Props{
		Name:           naming.LambdaAPI,
		Description:    "Answers the homeowner's app",
		Stage:          s,
		TimeoutSeconds: apiTimeout,
		Environment: map[string]*string{
			naming.EnvTable:           store.Name(),
			naming.EnvThumbnailBucket: pictures.Name(),
			naming.EnvCursorSecret:    key.ARN(),
		},
	})
	store.GrantRead(fn)
	pictures.GrantRead(fn)
	pictures.GrantClips(fn)
	video.GrantPlay(scope, fn)
	video.GrantView(scope, fn)
	key.GrantRead(fn)
	return fn
}

// newHook makes the Lambda that AWS IoT asks, and waits for, before it makes a
// device a thing.
func newHook(scope constructs.Construct, s stage.Stage, store *table.Table) awslambda.Function {
	fn := function.New(scope, "Provision", function.Props{
		Name:           naming.LambdaProvision,
		Description:    "Decides which devices become things",
		Stage:          s,
		TimeoutSeconds: provisionTimeout,
		Environment:    map[string]*string{naming.EnvTable: store.Name()},
	})
	store.GrantUpsert(fn)
	return fn
}
