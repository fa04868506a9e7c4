package assertions_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/infra/internal/naming"
)

func TestPictureQueue(t *testing.T) {
	tmpl := load(t)
	dead, deadQueue := tmpl.named(t, "AWS::SQS::Queue", "PicturesDeadLetters")
	queue, p := tmpl.named(t, "AWS::SQS::Queue", "PicturesQueue")
	require.Equal(t, true, p.Properties["SqsManagedSseEnabled"])
	require.Equal(t, true, deadQueue.Properties["SqsManagedSseEnabled"])
	require.Equal(t, dead, target(t, at(t, p.Properties, "RedrivePolicy", "deadLetterTargetArn")))
	require.EqualValues(t, 10, at(t, p.Properties, "RedrivePolicy", "maxReceiveCount"))
	fn := tmpl.lambda(t, naming.LambdaThumbnails)
	require.GreaterOrEqual(t, p.Properties["VisibilityTimeout"].(float64), 6*fn.Properties["Timeout"].(float64))

	_, mapping := tmpl.named(t, "AWS::Lambda::EventSourceMapping", "PicturesLambdaFunctionMapping")
	require.Equal(t, queue, target(t, mapping.Properties["EventSourceArn"]))
	require.Equal(t, []any{"ReportBatchItemFailures"}, mapping.Properties["FunctionResponseTypes"])
	require.EqualValues(t, 5, at(t, mapping.Properties, "ScalingConfig", "MaximumConcurrency"))
	require.Equal(t, naming.LambdaThumbnails, tmpl.Resources[target(t, mapping.Properties["FunctionName"])].Metadata[naming.LambdaMetadata])

	vars := at(t, fn.Properties, "Environment", "Variables").(object)
	bucket, _ := tmpl.output(t, naming.OutThumbnailBucket)
	notices, topic := tmpl.output(t, naming.OutNotices)
	require.Equal(t, "AWS::SNS::Topic", topic.Type)
	require.Equal(t, bucket, target(t, vars["THUMBNAIL_BUCKET"]))
	require.Equal(t, queue, target(t, vars["PICTURE_QUEUE_URL"]))
	require.Equal(t, notices, target(t, vars["NOTICE_TOPIC_ARN"]))
	require.NotContains(t, vars, "REKOGNITION_COOLDOWN_SECONDS", "it costs, so it is asked for")
}

// S3 makes no bucket whose queue does not let it in, and the policy of the
// queue may not name the bucket, which is not there yet.
func TestBucketTellsTheQueueOfPictures(t *testing.T) {
	tmpl := load(t)
	queue, _ := tmpl.named(t, "AWS::SQS::Queue", "PicturesQueue")
	_, bucket := tmpl.output(t, naming.OutThumbnailBucket)
	told := at(t, bucket.Properties, "NotificationConfiguration").(object)
	require.Len(t, told, 1)
	require.Len(t, at(t, told, "QueueConfigurations"), 1)
	configuration := at(t, told, "QueueConfigurations", 0)
	require.Equal(t, "s3:ObjectCreated:*", at(t, configuration, "Event"))
	require.Equal(t, queue, target(t, at(t, configuration, "Queue")))
	require.Equal(t, []any{
		object{"Name": "prefix", "Value": "thumbnails/"}, object{"Name": "suffix", "Value": ".jpg"},
	}, at(t, configuration, "Filter", "S3Key", "Rules"))

	id, policy := tmpl.named(t, "AWS::SQS::QueuePolicy", "PicturesQueuePolicy")
	require.Equal(t, []any{id}, bucket.DependsOn)
	require.Equal(t, queue, target(t, at(t, policy.Properties, "Queues", 0)))
	allowed := 0
	for _, s := range at(t, policy.Properties, "PolicyDocument", "Statement").([]any) {
		if at(t, s, "Effect") == "Deny" {
			continue
		}
		allowed++
		require.Equal(t, "sqs:SendMessage", at(t, s, "Action"))
		require.Equal(t, object{"Service": "s3.amazonaws.com"}, at(t, s, "Principal"))
		require.Equal(t, object{"StringEquals": object{"aws:SourceAccount": object{"Ref": "AWS::AccountId"}}}, at(t, s, "Condition"))
	}
	require.Equal(t, 1, allowed)
}
