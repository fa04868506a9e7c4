package localcloud_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"
)

func s3Client(c aws.Config) *s3.Client {
	return s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })
}

func TestObjectsThroughTheSDK(t *testing.T) {
	dir := t.TempDir()
	w := start(t, dir, nil)
	bucket, key := w.id(t, "Thumbs"), "thumbnails/porch/porch.door/a b+c(1)~é.jpg"
	body := bytes.Repeat([]byte("jpeg"), 50_000)
	client := s3Client(w.admin())
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("image/jpeg")})
	require.NoError(t, err, "a body with a checksum header")
	streamed := "thumbnails/streamed"
	_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &streamed, Body: bytes.NewReader(nil)})
	require.NoError(t, err, "an empty body")
	w.stop()

	w = start(t, dir, nil)
	client = s3Client(w.admin())
	got, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	require.NoError(t, err)
	defer got.Body.Close()
	read, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	require.Equal(t, body, read)
	require.Equal(t, "image/jpeg", *got.ContentType)
	list, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String("thumbnails/")})
	require.NoError(t, err)
	require.Len(t, list.Contents, 2)
	missing := "nope"
	_, err = client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &missing})
	require.ErrorContains(t, err, "NoSuchKey")
}

func TestPresignedLink(t *testing.T) {
	w := start(t, t.TempDir(), grants{"s3:GetObject arn:aws:s3:::*"})
	bucket, key := w.id(t, "Thumbs"), "thumbnails/porch/a.jpg"
	_, err := s3Client(w.admin()).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("jpeg")})
	require.NoError(t, err)
	session, err := w.sts.Issue(deviceRole, "api", nil, time.Hour)
	require.NoError(t, err)
	link, err := s3.NewPresignClient(s3Client(w.config(session))).PresignGetObject(t.Context(),
		&s3.GetObjectInput{Bucket: &bucket, Key: &key}, s3.WithPresignExpires(5*time.Minute))
	require.NoError(t, err)

	status, body := get(t, link.URL)
	require.Equal(t, http.StatusOK, status, body)
	require.Equal(t, "jpeg", body)
	status, body = get(t, strings.Replace(link.URL, "a.jpg", "b.jpg", 1))
	require.Equal(t, http.StatusForbidden, status)
	require.Contains(t, body, "<Code>SignatureDoesNotMatch</Code>")
	status, _ = get(t, strings.Replace(link.URL, "X-Amz-Expires=300", "X-Amz-Expires=604800", 1))
	require.Equal(t, http.StatusForbidden, status, "the lifetime is signed")
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(raw)
}

func TestRoleIsHeldToItsPolicy(t *testing.T) {
	dir := t.TempDir()
	w := start(t, dir, grants{"s3:PutObject arn:aws:s3:::*"})
	session, err := w.sts.Issue(deviceRole, "porch", nil, time.Hour)
	require.NoError(t, err)
	client, bucket, key := s3Client(w.config(session)), w.id(t, "Thumbs"), "thumbnails/porch/a.jpg"
	_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("jpeg")})
	require.NoError(t, err)
	_, err = client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	require.ErrorContains(t, err, "AccessDenied")
	require.ErrorContains(t, err, `"Action":"s3:GetObject","Resource":"arn:aws:s3:::`+bucket+`/thumbnails/porch/a.jpg"`)

	identity, err := awssts.NewFromConfig(w.config(session)).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::000000000000:assumed-role/device/porch", *identity.Arn)
	w.stop()
	w = start(t, dir, nil)
	_, err = awssts.NewFromConfig(w.config(session)).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err, "a session outlives a restart")
	session.SecretAccessKey = strings.Repeat("x", 40)
	_, err = awssts.NewFromConfig(w.config(session)).GetCallerIdentity(t.Context(), nil)
	require.ErrorContains(t, err, "SignatureDoesNotMatch")
}

func TestPublishReachesFunctionAndQueue(t *testing.T) {
	w := start(t, t.TempDir(), nil)
	topics, queues := sns.NewFromConfig(w.admin()), sqs.NewFromConfig(w.admin())
	topic := w.id(t, "Topic")
	for _, kind := range []string{"person", "cat"} {
		out, err := topics.Publish(t.Context(), &sns.PublishInput{TopicArn: &topic, Message: aws.String(`{"a":"<&>"}` + kind),
			MessageAttributes: map[string]snstypes.MessageAttributeValue{"kind": {DataType: aws.String("String"), StringValue: &kind}}})
		require.NoError(t, err)
		require.NotEmpty(t, *out.MessageId)
	}
	require.Len(t, w.lambda.payloads, 2)
	arn, payload, _ := strings.Cut(w.lambda.payloads[0], " ")
	fn, _ := w.stack.Resource("Events")
	require.Equal(t, fn.ARN, arn)
	var event struct {
		Records []struct {
			EventSource string
			Sns         struct {
				Message, TopicArn, Timestamp string
				MessageAttributes            map[string]struct{ Type, Value string }
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(payload), &event))
	require.Equal(t, "aws:sns", event.Records[0].EventSource)
	require.Equal(t, `{"a":"<&>"}person`, event.Records[0].Sns.Message)
	require.Equal(t, topic, event.Records[0].Sns.TopicArn)
	require.Equal(t, "person", event.Records[0].Sns.MessageAttributes["kind"].Value)
	_, err := time.Parse(time.RFC3339, event.Records[0].Sns.Timestamp)
	require.NoError(t, err)

	got, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(w.id(t, "Copy")), MaxNumberOfMessages: 10,
		MessageAttributeNames: []string{"All"}})
	require.NoError(t, err)
	require.Len(t, got.Messages, 1, "the filter policy lets one through")
	require.Equal(t, `{"a":"<&>"}person`, *got.Messages[0].Body)
	require.Equal(t, "person", *got.Messages[0].MessageAttributes["kind"].StringValue)

	w.lambda.fail = io.ErrUnexpectedEOF
	_, err = topics.Publish(t.Context(), &sns.PublishInput{TopicArn: &topic, Message: aws.String("x")})
	require.ErrorContains(t, err, "InternalError", "a subscriber that refuses fails the publish")
	listed, err := topics.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	require.NoError(t, err)
	require.Len(t, listed.Subscriptions, 2)
	_, err = topics.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String(topic + "x")})
	require.ErrorContains(t, err, "NotFound")
}

func TestQueueRedrivesAndSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	w := start(t, dir, nil)
	client, work := sqs.NewFromConfig(w.admin()), aws.String(w.id(t, "Work"))
	sent, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: work, MessageBody: aws.String("hello"),
		MessageAttributes: map[string]sqstypes.MessageAttributeValue{"n": {DataType: aws.String("Number"), StringValue: aws.String("7")}}})
	require.NoError(t, err)
	receive := func(queue string) []sqstypes.Message {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(w.id(t, queue)),
			MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"}})
		require.NoError(t, err)
		return out.Messages
	}
	first := receive("Work")
	require.Len(t, first, 1)
	require.Equal(t, "1", first[0].Attributes["ApproximateReceiveCount"])
	w.stop()
	w = start(t, dir, nil)
	client = sqs.NewFromConfig(w.admin())
	require.Equal(t, "2", receive("Work")[0].Attributes["ApproximateReceiveCount"])
	require.Empty(t, receive("Work"), "the third receive moves it")
	dead := receive("Dead")
	require.Len(t, dead, 1)
	require.Equal(t, *sent.MessageId, *dead[0].MessageId)
	_, err = client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: aws.String(w.id(t, "Dead")), ReceiptHandle: dead[0].ReceiptHandle})
	require.NoError(t, err)
	counts, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: aws.String(w.id(t, "Dead")),
		AttributeNames: []sqstypes.QueueAttributeName{"All"}})
	require.NoError(t, err)
	require.Equal(t, "0", counts.Attributes["ApproximateNumberOfMessages"])
	require.Equal(t, "0", counts.Attributes["ApproximateNumberOfMessagesNotVisible"])
	_, err = client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("nope")})
	var missing *sqstypes.QueueDoesNotExist
	require.ErrorAs(t, err, &missing)
}

// A message says who sent it, however it was sent: of a device that is its
// certificate.
func TestMessagesNameTheirSender(t *testing.T) {
	w := start(t, t.TempDir(), grants{"sqs:SendMessage *"})
	device, err := w.sts.Issue(deviceRole, "c0ffee", nil, time.Hour)
	require.NoError(t, err)
	queue := aws.String(w.id(t, "Copy"))
	for _, c := range []aws.Config{w.admin(), w.config(device)} {
		_, err := sqs.NewFromConfig(c).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue, MessageBody: aws.String("x")})
		require.NoError(t, err)
	}
	got, err := sqs.NewFromConfig(w.admin()).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue, MaxNumberOfMessages: 10,
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"SenderId"}})
	require.NoError(t, err)
	require.Len(t, got.Messages, 2)
	require.Equal(t, "000000000000", got.Messages[0].Attributes["SenderId"])
	require.Equal(t, "AROADEVICE:c0ffee", got.Messages[1].Attributes["SenderId"])
}
