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
func thingPolicy(scope constructs.Construct, alias awsiot.CfnRoleAlias) any {
	own := naming.TopicRoot + thingName + "/"
	shadow := "$aws/things/" + thingName + "/shadow/name/" + naming.ConfigShadow + "/"
	arns := func(kind string, names ...string) []*string {
		var out []*string
		for _, name := range names {
			out = append(out, iotARN(scope, kind, name))
		}
		return out
	}
	connect := statement("Connect", "iot:Connect", arns("client", thingName)...)
	connect["Condition"] = map[string]any{"Bool": map[string]any{"iot:Connection.Thing.IsAttached": "true"}}
	return map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{
			connect,
			statement("Publish", "iot:Publish", arns("topic",
				own+naming.TopicEvents, own+naming.TopicStatus, own+naming.TopicTelemetry,
				own+naming.TopicReplies, own+naming.TopicSensors,
				shadow+"get", shadow+"update")...),
			statement("Subscribe", "iot:Subscribe", arns("topicfilter",
				own+naming.TopicCommands, shadow+"*")...),
			statement("Receive", "iot:Receive", arns("topic",
				own+naming.TopicCommands, shadow+"*")...),
			statement("AssumeRole", "iot:AssumeRoleWithCertificate", alias.AttrRoleAliasArn()),
		},
	}
}

func statement(sid, action string, resources ...*string) map[string]any {
	return map[string]any{"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resources}
}

func iotARN(scope constructs.Construct, kind, name string) *string {
	return awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("iot"), Resource: jsii.String(kind), ResourceName: jsii.String(name),
	})
}
