package assertions_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/infra/internal/naming"
)

func TestFaceQueues(t *testing.T) {
	tmpl := load(t)
	dead, deadQueue := tmpl.named(t, "AWS::SQS::Queue", "FacesDeadLetters")
	_, requests := tmpl.named(t, "AWS::SQS::Queue", "FacesRequests")
	_, answers := tmpl.named(t, "AWS::SQS::Queue", "FacesAnswers")
	for _, q := range []resource{deadQueue, requests, answers} {
		require.Equal(t, true, q.Properties["SqsManagedSseEnabled"])
	}
	require.True(t, strings.HasSuffix(requests.Properties["QueueName"].(string), "-req-queue"), "as drop-in clients know it")
	require.True(t, strings.HasSuffix(answers.Properties["QueueName"].(string), "-resp-queue"))
	require.Equal(t, dead, target(t, at(t, requests.Properties, "RedrivePolicy", "deadLetterTargetArn")))
	require.EqualValues(t, 3, at(t, requests.Properties, "RedrivePolicy", "maxReceiveCount"))

	fn := tmpl.lambda(t, naming.LambdaFaces)
	require.GreaterOrEqual(t, requests.Properties["VisibilityTimeout"].(float64), 6*fn.Properties["Timeout"].(float64),
		"a request that is delivered again is no other invocation's any more")
	for id, policy := range tmpl.ofType(t, "AWS::SQS::QueuePolicy") {
		for _, s := range at(t, policy.Properties, "PolicyDocument", "Statement").([]any) {
			if at(t, s, "Effect") != "Deny" {
				require.NotContains(t, id, "Faces", "the policies of these queues only ever deny")
			}
		}
	}
}

func TestFaceMapping(t *testing.T) {
	tmpl := load(t)
	requests, _ := tmpl.named(t, "AWS::SQS::Queue", "FacesRequests")
	answers, _ := tmpl.named(t, "AWS::SQS::Queue", "FacesAnswers")
	_, mapping := tmpl.named(t, "AWS::Lambda::EventSourceMapping", "FacesLambdaFunctionMapping")
	require.Equal(t, requests, target(t, mapping.Properties["EventSourceArn"]))
	require.EqualValues(t, 10, mapping.Properties["BatchSize"])
	require.Equal(t, []any{"ReportBatchItemFailures"}, mapping.Properties["FunctionResponseTypes"])
	require.EqualValues(t, 5, at(t, mapping.Properties, "ScalingConfig", "MaximumConcurrency"))
	fn := tmpl.Resources[target(t, mapping.Properties["FunctionName"])]
	require.Equal(t, naming.LambdaFaces, fn.Metadata[naming.LambdaMetadata])

	vars := at(t, fn.Properties, "Environment", "Variables").(object)
	_, alias := tmpl.only(t, "AWS::IoT::RoleAlias")
	require.Equal(t, "<"+target(t, alias.Properties["RoleArn"])+".RoleId>", flat(t, vars["DEVICE_ROLE_ID"]))
	require.Equal(t, answers, target(t, vars["RESPONSE_QUEUE_URL"]))
	require.NotContains(t, vars, "DEFAULT_OWNER", "nobody is everybody's owner")
}
