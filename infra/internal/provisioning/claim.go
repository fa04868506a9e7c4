package provisioning

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// claimPolicy lets whoever has a claim certificate ask for an identity with
// one template, and nothing else. Answers come to the connection that asked.
func claimPolicy(scope constructs.Construct, template string) map[string]any {
	arns := func(kind string, names ...string) (out []*string) {
		for _, name := range names {
			out = append(out, awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
				Service: jsii.String("iot"), Resource: jsii.String(kind), ResourceName: jsii.String(name),
			}))
		}
		return out
	}
	statement := func(sid, action string, resources []*string) map[string]any {
		return map[string]any{"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resources}
	}
	requests := []string{"$aws/certificates/create-from-csr/json", "$aws/provisioning-templates/" + template + "/provision/json"}
	var answers []string
	for _, topic := range requests {
		answers = append(answers, topic+"/accepted", topic+"/rejected")
	}
	return map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{
			// Not the name of any thing's client, which is the thing's.
			statement("Connect", "iot:Connect", arns("client", "claim-*")),
			statement("Publish", "iot:Publish", arns("topic", requests...)),
			statement("Subscribe", "iot:Subscribe", arns("topicfilter", answers...)),
			statement("Receive", "iot:Receive", arns("topic", answers...)),
		},
	}
}
