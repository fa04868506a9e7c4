//go:build cgo

// Package faces_test asks whose face it is as a client of the public project
// would, over the two queues of the committed template on the local cloud, with
// the Lambda as it is built and Python as the other side.
package faces_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/store"
	"porchlight/internal/iot"
	"porchlight/internal/localcloud"
	"porchlight/internal/localcloud/iotcore/pki"
	"porchlight/internal/vision/visiontest"
)

// patience bounds every wait; a busy machine may need a good part of it.
const patience = 60 * time.Second

func root() string {
	_, self, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(self)))
}

var dir string // of what is built

// programs builds the Lambda and the command line, once, where they are needed.
var programs = sync.OnceValues(func() (string, error) {
	for _, args := range [][]string{
		{"build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w -buildid=", "-o", filepath.Join(dir, "bootstrap"), "./lambdas/faces"},
		{"build", "-trimpath", "-o", filepath.Join(dir, "porchlight"), "./cmd/porchlight"},
	} {
		cmd := exec.Command("go", args...)
		cmd.Dir = root()
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go %v: %w\n%s", args, err, out)
		}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	var err error
	if dir, err = os.MkdirTemp("", "porchlight-faces-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code) //nolint:forbidigo // a TestMain is a main
}

// times replaces, in the committed template, what would make tests long.
type times struct {
	hidden, timeout int // seconds; 0: as committed
	receives        int
}

func (w times) template(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root(), "infra", "porchlight.template.json"))
	require.NoError(t, err)
	var template map[string]any
	require.NoError(t, json.Unmarshal(data, &template))
	changed := 0
	for id, resource := range template["Resources"].(map[string]any) {
		r := resource.(map[string]any)
		p, _ := r["Properties"].(map[string]any)
		switch {
		case strings.HasPrefix(id, "FacesRequests") && r["Type"] == "AWS::SQS::Queue":
			changed++
			if w.hidden > 0 {
				p["VisibilityTimeout"] = w.hidden
			}
			if w.receives > 0 {
				p["RedrivePolicy"].(map[string]any)["maxReceiveCount"] = w.receives
			}
		case strings.HasPrefix(id, "FacesLambdaFunction") && r["Type"] == "AWS::Lambda::Function":
			changed++
			if w.timeout > 0 {
				p["Timeout"] = w.timeout
			}
		}
	}
	require.Equal(t, 2, changed)
	data, err = json.Marshal(template)
	require.NoError(t, err)
	return data
}

// world is a local cloud with owners and their things.
type world struct {
	t              *testing.T
	dir, table     string
	cloud          *localcloud.Cloud
	request, reply string // URLs of the queues
	log            locked
}

func newWorld(t *testing.T, w times) *world {
	t.Helper()
	models := visiontest.EmbeddingDir(t)
	modules := filepath.Join(root(), "internal", "localcloud", "dynamo", "node", "node_modules")
	if _, err := os.Stat(modules); err != nil {
		t.Skip("the local DynamoDB is not installed: run make build")
	}
	built, err := programs()
	require.NoError(t, err)
	free := "127.0.0.1:0"
	out := &world{t: t, dir: t.TempDir()}
	// Its own paths, by which its processes are known from those of other
	// worlds. The other Lambdas must be there and are never run.
	for _, name := range []string{"events", "api", "provision", "thumbnails", "faces"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(out.bootstrap(name)), 0o755))
		require.NoError(t, os.Link(filepath.Join(built, "bootstrap"), out.bootstrap(name)))
	}
	out.cloud, err = localcloud.Open(context.WithoutCancel(t.Context()), localcloud.Config{
		Dir: out.dir, Template: w.template(t), Lambdas: filepath.Join(out.dir, "lambdas"), NodeModules: modules, Models: models,
		App: fstest.MapFS{"index.html": {}}, Listen: localcloud.Addresses{App: free, AWS: free, MQTT: free, Credentials: free},
		Log: slog.New(slog.NewTextHandler(&out.log, nil)),
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, out.cloud.Close())
		if t.Failed() {
			log := out.log.String()
			t.Logf("end of the local cloud's log:\n%s", log[max(0, len(log)-8000):])
		}
	})
	out.request, out.reply, out.table = out.output("FaceRequestQueueUrl"), out.output("FaceResponseQueueUrl"), out.output("TableName")
	return out
}

// bootstrap is the program of a Lambda.
func (w *world) bootstrap(name string) string {
	return filepath.Join(w.dir, "lambdas", name, "bootstrap")
}

// locked is a log that several goroutines write.
type locked struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (w *world) output(name string) string {
	w.t.Helper()
	v, err := w.cloud.Output(name)
	require.NoError(w.t, err)
	return v
}

func (w *world) keys() aws.CredentialsProvider {
	admin := w.cloud.Admin()
	return credentials.NewStaticCredentialsProvider(admin.AccessKeyID, admin.SecretAccessKey, "")
}

func (w *world) queues(keys aws.CredentialsProvider) *sqs.Client {
	return sqs.New(sqs.Options{Region: w.cloud.Region(), BaseEndpoint: aws.String(w.cloud.AWSURL()), Credentials: keys})
}

func (w *world) db() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: w.cloud.Region(), BaseEndpoint: aws.String(w.cloud.AWSURL()), Credentials: w.keys()})
}

// device makes a thing as provisioning does and returns its client of SQS; owner
// may be empty.
func (w *world) device(thing, owner string) *sqs.Client {
	w.t.Helper()
	files, err := w.cloud.RegisterThing(thing)
	require.NoError(w.t, err)
	cert, err := pki.ReadCertificate(files.Certificate)
	require.NoError(w.t, err)
	table := store.New(store.Config{API: w.db(), Table: w.table})
	require.NoError(w.t, table.RecordCertificate(w.t.Context(), pki.Fingerprint(cert), thing))
	if owner != "" {
		require.NoError(w.t, table.Claim(w.t.Context(), thing, owner))
	}
	identity, err := iot.LoadIdentity(files.Certificate, files.Key, files.CA)
	require.NoError(w.t, err)
	keys, err := iot.Credentials(iot.CredentialsConfig{
		Endpoint: w.cloud.Addresses().Credentials, RoleAlias: w.output("RoleAliasName"), Thing: thing, TLS: identity,
	})
	require.NoError(w.t, err)
	return w.queues(keys)
}

// enroll runs the command line.
func (w *world) enroll(owner, name, file string) {
	w.t.Helper()
	dir, err := programs()
	require.NoError(w.t, err)
	cmd := exec.CommandContext(w.t.Context(), filepath.Join(dir, "porchlight"), "faces", "enroll", "--cloud", "--owner", owner, "--table", w.table, name, file)
	admin := w.cloud.Admin()
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+w.cloud.AWSURL(), "AWS_REGION="+w.cloud.Region(),
		"AWS_ACCESS_KEY_ID="+admin.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+admin.SecretAccessKey, "PORCHLIGHT_MODELS="+visiontest.EmbeddingDir(w.t))
	out, err := cmd.CombinedOutput()
	require.NoError(w.t, err, string(out))
}

func (w *world) send(from *sqs.Client, body string) {
	w.t.Helper()
	_, err := from.SendMessage(w.t.Context(), &sqs.SendMessageInput{QueueUrl: &w.request, MessageBody: &body})
	require.NoError(w.t, err)
}

// sendAll sends many requests in as few calls as SQS allows.
func (w *world) sendAll(from *sqs.Client, bodies []string) {
	w.t.Helper()
	for chunk := range slices.Chunk(bodies, 10) {
		var entries []sqstypes.SendMessageBatchRequestEntry
		for i, body := range chunk {
			entries = append(entries, sqstypes.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: &body})
		}
		out, err := from.SendMessageBatch(w.t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &w.request, Entries: entries})
		require.NoError(w.t, err)
		require.Empty(w.t, out.Failed)
	}
}

// receive takes what a queue has, waiting for up to so many seconds for the first.
func (w *world) receive(queue string, seconds int32) (bodies []string) {
	w.t.Helper()
	client := w.queues(w.keys())
	got, err := client.ReceiveMessage(w.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 10, WaitTimeSeconds: seconds})
	require.NoError(w.t, err)
	for _, m := range got.Messages {
		bodies = append(bodies, *m.Body)
		_, err := client.DeleteMessage(w.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle})
		require.NoError(w.t, err)
	}
	return bodies
}

// collect receives answers until there are so many.
func (w *world) collect(n int) (bodies []string) {
	w.t.Helper()
	for end := time.Now().Add(patience); len(bodies) < n && time.Now().Before(end); {
		bodies = append(bodies, w.receive(w.reply, 1)...)
	}
	require.Len(w.t, bodies, n)
	return bodies
}

// waiting is how many messages a queue holds, hidden ones too.
func (w *world) waiting(queue string) (n int) {
	w.t.Helper()
	got, err := w.queues(w.keys()).GetQueueAttributes(w.t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &queue, AttributeNames: []sqstypes.QueueAttributeName{"All"},
	})
	require.NoError(w.t, err)
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
		var some int
		_, err := fmt.Sscan(got.Attributes[name], &some)
		require.NoError(w.t, err)
		n += some
	}
	return n
}

// deadLetters is the URL of the queue of requests that were given up.
func (w *world) deadLetters() string {
	w.t.Helper()
	list, err := w.queues(w.keys()).ListQueues(w.t.Context(), &sqs.ListQueuesInput{})
	require.NoError(w.t, err)
	for _, url := range list.QueueUrls {
		if strings.Contains(url, "FacesDeadLetters") {
			return url
		}
	}
	require.NoError(w.t, errors.New("no such queue"))
	return ""
}
