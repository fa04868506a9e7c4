package assertions_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/infra/internal/naming"
)

func TestSubscription(t *testing.T) {
	tmpl := load(t)
	topic, _ := tmpl.named(t, "AWS::SNS::Topic", "DeviceMessages")
	queue, _ := tmpl.named(t, "AWS::SQS::Queue", "DeadLetters")
	_, sub := tmpl.only(t, "AWS::SNS::Subscription")
	require.Equal(t, "lambda", sub.Properties["Protocol"])
	require.Equal(t, topic, target(t, sub.Properties["TopicArn"]))
	fn := tmpl.Resources[target(t, sub.Properties["Endpoint"])]
	require.Equal(t, "events", fn.Metadata[naming.LambdaMetadata])
	require.Equal(t, queue, target(t, at(t, sub.Properties, "RedrivePolicy", "deadLetterTargetArn")))
}

func TestDeadLettersAreKept(t *testing.T) {
	_, queue := load(t).named(t, "AWS::SQS::Queue", "DeadLetters")
	require.EqualValues(t, 14*24*3600, queue.Properties["MessageRetentionPeriod"])
	require.Equal(t, true, queue.Properties["SqsManagedSseEnabled"])
}

func TestEveryRuleHasAnErrorAction(t *testing.T) {
	tmpl := load(t)
	topic, _ := tmpl.named(t, "AWS::SNS::Topic", "DeviceMessages")
	queue, _ := tmpl.named(t, "AWS::SQS::Queue", "DeadLetters")
	var queries []string
	for _, rule := range tmpl.ofType(t, "AWS::IoT::TopicRule") {
		p := at(t, rule.Properties, "TopicRulePayload")
		require.Equal(t, "2016-03-23", at(t, p, "AwsIotSqlVersion"))
		require.Equal(t, false, at(t, p, "RuleDisabled"))
		queries = append(queries, at(t, p, "Sql").(string))

		require.Len(t, at(t, p, "Actions"), 1)
		publish := at(t, p, "Actions", 0, "Sns")
		require.Equal(t, "RAW", at(t, publish, "MessageFormat"))
		require.Equal(t, topic, target(t, at(t, publish, "TargetArn")))
		require.Equal(t, map[string][]string{"sns:Publish": {"<" + topic + ">"}},
			tmpl.grants(t, target(t, at(t, publish, "RoleArn"))))

		fail := at(t, p, "ErrorAction", "Sqs")
		require.Equal(t, queue, target(t, at(t, fail, "QueueUrl")))
		require.Equal(t, map[string][]string{"sqs:SendMessage": {"<" + queue + ".Arn>"}},
			tmpl.grants(t, target(t, at(t, fail, "RoleArn"))))
	}
	require.ElementsMatch(t, []string{
		"SELECT *, topic() AS topic, timestamp() AS received_at FROM 'porchlight/v1/+/events'",
		"SELECT *, topic() AS topic, timestamp() AS received_at FROM 'porchlight/v1/+/status'",
		"SELECT *, topic() AS topic, timestamp() AS received_at FROM 'porchlight/v1/+/sensors/+'",
	}, queries)
}
