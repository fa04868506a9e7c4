package localcloud_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/sts"
)

// cli runs the real AWS CLI against the front door; it finds Debian's first.
type cli struct {
	path string
	env  []string
}

func newCLI(t *testing.T, w *world, c sts.Credentials) cli {
	t.Helper()
	path := "/usr/bin/aws"
	if _, err := os.Stat(path); err != nil {
		if path, err = exec.LookPath("aws"); err != nil {
			t.Skip("the AWS CLI is not installed: apt install awscli")
		}
	}
	return cli{path, []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_ACCESS_KEY_ID=" + c.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey, "AWS_SESSION_TOKEN=" + c.SessionToken, "ENDPOINT=" + w.server.URL}}
}

func (c cli) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	endpoint := strings.TrimPrefix(c.env[len(c.env)-1], "ENDPOINT=")
	cmd := exec.CommandContext(ctx, c.path, append([]string{"--endpoint-url", endpoint, "--output", "text"}, args...)...)
	cmd.Env = c.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return strings.TrimSpace(out.String()), err
}

func (c cli) ok(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.run(t, args...)
	require.NoError(t, err, "aws %s: %s", strings.Join(args, " "), out)
	return out
}

func TestAWSCLI(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	aws := newCLI(t, w, w.sts.Admin())

	require.Contains(t, aws.ok(t, "dynamodb", "list-tables"), "POST / DynamoDB_20120810.ListTables {}")
	aws.ok(t, "iot-data", "publish", "--topic", "porchlight/v1/porch/events", "--qos", "1", "--payload", "e30=")
	require.Contains(t, aws.ok(t, "sts", "get-caller-identity"), "arn:aws:iam::000000000000:root")

	work, dead := w.id(t, "Work"), w.id(t, "Dead")
	require.Contains(t, aws.ok(t, "sqs", "list-queues"), work)
	workResource, _ := w.stack.Resource("Work")
	require.Equal(t, work, aws.ok(t, "sqs", "get-queue-url", "--queue-name", workResource.Name))
	aws.ok(t, "sqs", "send-message", "--queue-url", work, "--message-body", "hello <&> there",
		"--message-attributes", `{"n":{"DataType":"Number","StringValue":"7"}}`)
	for _, count := range []string{"1", "2"} {
		got := aws.ok(t, "sqs", "receive-message", "--queue-url", work, "--attribute-names", "All", "--message-attribute-names", "All",
			"--query", "Messages[0].[Body, Attributes.ApproximateReceiveCount, MessageAttributes.n.StringValue]")
		require.Equal(t, "hello <&> there\t"+count+"\t7", got)
	}
	require.Equal(t, "None", aws.ok(t, "sqs", "receive-message", "--queue-url", work, "--query", "Messages"))
	require.Equal(t, "1", aws.ok(t, "sqs", "get-queue-attributes", "--queue-url", dead, "--attribute-names", "ApproximateNumberOfMessages",
		"--query", "Attributes.ApproximateNumberOfMessages"))
	handle := aws.ok(t, "sqs", "receive-message", "--queue-url", dead, "--query", "Messages[0].ReceiptHandle")
	aws.ok(t, "sqs", "change-message-visibility", "--queue-url", dead, "--receipt-handle", handle, "--visibility-timeout", "60")
	aws.ok(t, "sqs", "delete-message-batch", "--queue-url", dead, "--entries", "Id=a,ReceiptHandle="+handle)
	sent := aws.ok(t, "sqs", "send-message-batch", "--queue-url", dead, "--entries", "Id=a,MessageBody=1", "Id=b,MessageBody=2",
		"--query", "Successful[].Id")
	require.Equal(t, "a\tb", sent)
	aws.ok(t, "sqs", "purge-queue", "--queue-url", dead)
	out, err := aws.run(t, "sqs", "get-queue-url", "--queue-name", "nope")
	require.Error(t, err)
	require.Contains(t, out, "AWS.SimpleQueueService.NonExistentQueue")

	topic := w.id(t, "Topic")
	require.Contains(t, aws.ok(t, "sns", "list-topics"), topic)
	require.Contains(t, aws.ok(t, "sns", "get-topic-attributes", "--topic-arn", topic), topic)
	aws.ok(t, "sns", "publish", "--topic-arn", topic, "--message", `{"event_id":"x"}`)
	require.Contains(t, w.lambda.payloads[0], `"Message":"{\"event_id\":\"x\"}"`)
	require.Contains(t, aws.ok(t, "sns", "list-subscriptions-by-topic", "--topic-arn", topic), "lambda")

	secret := w.id(t, "Cursor")
	value := aws.ok(t, "secretsmanager", "get-secret-value", "--secret-id", secret, "--query", "SecretString")
	require.Regexp(t, `^[0-9A-Za-z]{64}$`, value)
	byName, _ := w.stack.Resource("Cursor")
	require.Equal(t, value, aws.ok(t, "secretsmanager", "get-secret-value", "--secret-id", byName.Name, "--query", "SecretString"))
	require.Contains(t, aws.ok(t, "secretsmanager", "list-secrets"), secret)
	require.NotContains(t, aws.ok(t, "secretsmanager", "describe-secret", "--secret-id", secret), value)
}

func TestAWSCLIObjects(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	aws := newCLI(t, w, w.sts.Admin())
	bucket := w.id(t, "Thumbs")
	file := filepath.Join(t.TempDir(), "a.jpg")
	require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte("jpeg"), 1000), 0o600))
	require.Contains(t, aws.ok(t, "s3", "ls"), bucket)
	aws.ok(t, "s3", "cp", file, "s3://"+bucket+"/thumbnails/porch/a b.jpg")
	require.Contains(t, aws.ok(t, "s3", "ls", "--recursive", "s3://"+bucket), "4000 thumbnails/porch/a b.jpg")
	back := filepath.Join(t.TempDir(), "b.jpg")
	aws.ok(t, "s3", "cp", "s3://"+bucket+"/thumbnails/porch/a b.jpg", back)
	raw, err := os.ReadFile(back)
	require.NoError(t, err)
	require.Len(t, raw, 4000)
	link := aws.ok(t, "s3", "presign", "s3://"+bucket+"/thumbnails/porch/a b.jpg", "--expires-in", "60")
	status, body := get(t, link)
	require.Equal(t, 200, status, body)
	require.Len(t, body, 4000)
	aws.ok(t, "s3", "rm", "s3://"+bucket+"/thumbnails/porch/a b.jpg")
}

func TestAWSCLIRefused(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	wrong := w.sts.Admin()
	wrong.SecretAccessKey = strings.Repeat("x", 40)
	for service, args := range map[string][]string{
		"SignatureDoesNotMatch":     {"sqs", "list-queues"},
		"InvalidSignatureException": {"secretsmanager", "list-secrets"},
	} {
		out, err := newCLI(t, w, wrong).run(t, args...)
		require.Error(t, err)
		require.Contains(t, out, service)
	}
	session, err := w.sts.Issue(deviceRole, "porch", nil, time.Hour)
	require.NoError(t, err)
	out, err := newCLI(t, w, session).run(t, "iot-data", "publish", "--topic", "porchlight/v1/other/events", "--payload", "e30=")
	require.Error(t, err)
	require.Contains(t, out, "iot:Publish on arn:aws:iot:us-east-1:000000000000:topic/porchlight/v1/other/events")
	out, err = newCLI(t, w, session).run(t, "sns", "publish", "--topic-arn", w.id(t, "Topic"), "--message", "x")
	require.Error(t, err)
	require.Contains(t, out, "AccessDenied")
	require.Contains(t, out, "sns:Publish")
	require.Empty(t, w.lambda.payloads)
}
