package localcloud_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud"
	"porchlight/internal/localcloud/sqs"
	"porchlight/internal/localcloud/sts"
	"porchlight/internal/localcloud/template"
)

// crashDir tells the test binary to be the process that is killed.
const crashDir = "PORCHLIGHT_TEST_CRASH_DIR"

// TestKillLosesNothingAcknowledged kills a process in the middle of its work,
// then finds everything it had acknowledged.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	if dir := os.Getenv(crashDir); dir != "" {
		workUntilKilled(t, dir)
		return
	}
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestKillLosesNothingAcknowledged$")
	child.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	var acknowledged []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if body, ok := strings.CutPrefix(lines.Text(), "ack "); ok {
			acknowledged = append(acknowledged, body)
		}
		if len(acknowledged) == 25 {
			require.NoError(t, child.Process.Kill()) // SIGKILL, while the child goes on writing
			break
		}
	}
	_ = child.Wait()
	require.Len(t, acknowledged, 25)

	w := start(t, dir, nil)
	found := map[string]bool{}
	for {
		messages, err := w.core.SQS.Receive(t.Context(), w.id(t, "Copy"), sqs.ReceiveOptions{Max: 10})
		require.NoError(t, err)
		if len(messages) == 0 {
			break
		}
		for _, m := range messages {
			found[m.Body] = true
		}
	}
	client := s3Client(w.admin())
	for _, body := range acknowledged {
		require.True(t, found[body], "message %s", body)
		got, err := client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String(w.id(t, "Thumbs")), Key: aws.String(body)})
		require.NoError(t, err, "object %s", body)
		got.Body.Close()
	}
}

func workUntilKilled(t *testing.T, dir string) {
	w := start(t, dir, nil)
	client := s3Client(w.admin())
	for i := range 10_000 {
		body := fmt.Sprintf("item-%d", i)
		_, err := w.core.SQS.Send(t.Context(), w.id(t, "Copy"), body, nil)
		require.NoError(t, err)
		_, err = client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String(w.id(t, "Thumbs")), Key: &body, Body: strings.NewReader(body)})
		require.NoError(t, err)
		_, err = fmt.Fprintln(os.Stdout, "ack "+body)
		require.NoError(t, err)
	}
}

// TestCommittedTemplate provisions the core from the template that is deployed.
func TestCommittedTemplate(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "infra", "porchlight.template.json"))
	if os.IsNotExist(err) {
		t.Skip("infra/porchlight.template.json is not here")
	}
	require.NoError(t, err)
	stack, err := template.Load(template.Environment{Region: "us-east-1", AccountID: "000000000000", StackName: "porchlight"}, raw)
	require.NoError(t, err)
	dir := t.TempDir()
	accounts, err := sts.Open(sts.Config{Dir: filepath.Join(dir, "sts"), AccountID: "000000000000"})
	require.NoError(t, err)
	core, err := localcloud.OpenCore(localcloud.CoreConfig{Dir: dir, Stack: stack, STS: accounts, Authorizer: grants{},
		Lambda: &recorder{}, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	core.Run(ctx) // ends with its context
	require.NoError(t, core.Close())
	require.NotEmpty(t, stack.OfType("AWS::Lambda::Function"))
	for _, fn := range stack.OfType("AWS::Lambda::Function") {
		require.NotEmpty(t, fn.Metadata["porchlight:lambda"], "%s names its folder under lambdas/", fn.LogicalID)
	}
	secret := stack.OfType("AWS::SecretsManager::Secret")[0]
	require.Equal(t, secret.ARN, core.Secrets.ARN(secret.Name))
}
