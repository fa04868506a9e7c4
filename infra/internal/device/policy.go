package device

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiot"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/naming"
)

// thingName is replaced by AWS IoT with the connection's client id. That is
// the thing of the certificate only because connecting asks for both to
// belong together.
const thingName = "${iot:Connection.Thing.ThingName}"

// thingPolicy is one policy for all things: each resource names the thing
// that is connected, so no device reaches another's topics.
//
// AWS IoT takes 2048 characters of policy, which is about fifteen resources in
// a region with a long name. What a thing says is therefore listed one by one,
// and what it hears is not: replies and notifications about its own shadows and
// jobs are below one prefix, on which only AWS IoT can publish, and receiving
// needs a subscription first. Of jobs only requests can be published.
func thingPolicy(scope constructs.Construct, alias awsiot.CfnRoleAlias) any {
	own := naming.TopicRoot + thingName + "/"
	reserved := "$aws/things/" + thingName + "/"
	shadow := reserved + "shadow/name/" + naming.ConfigShadow + "/"
	arns := func(kind string, names ...string) []*string {
		var out []*string
		for _, name := range names {
			out = append(out, iotARN(scope, kind, name))
		}
		return out
	}
	connect := statement("iot:Connect", arns("client", thingName)...)
	connect["Condition"] = map[string]any{"Bool": map[string]any{"iot:Connection.Thing.IsAttached": "true"}}
	return map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{
			connect,
			statement("iot:Publish", arns("topic",
				own+naming.TopicEvents, own+naming.TopicStatus, own+naming.TopicTelemetry,
				own+naming.TopicReplies, own+naming.TopicSensors,
				shadow+"get", shadow+"update", reserved+"jobs/*")...),
			statement("iot:Subscribe", arns("topicfilter",
				own+naming.TopicCommands, own+naming.TopicSensorSet, reserved+"*")...),
			statement("iot:Receive", arns("topic", own+"*", reserved+"*")...),
			statement("iot:AssumeRoleWithCertificate", alias.AttrRoleAliasArn()),
		},
	}
}

func statement(action string, resources ...*string) map[string]any {
	return map[string]any{"Effect": "Allow", "Action": action, "Resource": resources}
}

func iotARN(scope constructs.Construct, kind, name string) *string {
	return awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("iot"), Resource: jsii.String(kind), ResourceName: jsii.String(name),
	})
}
