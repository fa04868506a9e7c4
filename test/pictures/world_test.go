//go:build cgo

// Package pictures_test follows pictures from a thing's own hands to what is
// told of them: through the buckets, queues, topics, roles and Lambdas of the
// committed template on the local cloud, Porchlight's own detector looking at
// them where Rekognition would.
package pictures_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iotdataplane"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
	"porchlight/internal/iot"
	"porchlight/internal/localcloud"
	"porchlight/internal/vision/visiontest"
)

// patience bounds every wait; a busy machine may need a good part of it.
const patience = 60 * time.Second

func root() string {
	_, self, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(self)))
}

var dir string // of what is built

// programs builds the Lambdas and the command line, once, where they are needed.
var programs = sync.OnceValue(func() error {
	for _, name := range []string{"events", "thumbnails"} {
		cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w -buildid=", "-o", bootstrap(name), "./lambdas/"+name)
		cmd.Dir, cmd.Env = root(), append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, "porchlight"), "./cmd/porchlight")
	cmd.Dir = root()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build porchlight: %w\n%s", err, out)
	}
	for _, name := range []string{"api", "provision", "faces"} { // must be there and are never run
		if err := os.MkdirAll(filepath.Dir(bootstrap(name)), 0o755); err != nil {
			return err
		}
		if err := os.Link(bootstrap("events"), bootstrap(name)); err != nil {
			return err
		}
	}
	return nil
})

// bootstrap is the program of a Lambda.
func bootstrap(name string) string { return filepath.Join(dir, "lambdas", name, "bootstrap") }

func TestMain(m *testing.M) {
	var err error
	if dir, err = os.MkdirTemp("", "porchlight-pictures-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code) //nolint:forbidigo // a TestMain is a main
}

// template is the committed one with somebody subscribed to the notices and,
// where asked for, with what the context key porchlight:rekognition adds.
func template(t *testing.T, rekognition bool) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root(), "infra", "porchlight.template.json"))
	require.NoError(t, err)
	type object = map[string]any
	var tmpl struct {
		Resources map[string]object
		Outputs   map[string]object
	}
	require.NoError(t, json.Unmarshal(data, &tmpl))
	tmpl.Resources["TestNotices"] = object{"Type": "AWS::SQS::Queue", "Properties": object{}}
	tmpl.Resources["TestSubscription"] = object{"Type": "AWS::SNS::Subscription", "Properties": object{
		"Protocol": "sqs", "RawMessageDelivery": true, "TopicArn": tmpl.Outputs["NoticesTopicArn"]["Value"],
		"Endpoint": object{"Fn::GetAtt": []string{"TestNotices", "Arn"}},
	}}
	tmpl.Outputs["TestNotices"] = object{"Value": object{"Ref": "TestNotices"}}
	changed := 0
	for id, r := range tmpl.Resources {
		p, _ := r["Properties"].(object)
		switch {
		case !rekognition:
		case strings.HasPrefix(id, "PicturesLambdaFunction") && r["Type"] == "AWS::Lambda::Function":
			changed++
			p["Environment"].(object)["Variables"].(object)["REKOGNITION_COOLDOWN_SECONDS"] = "3600"
		case strings.HasPrefix(id, "PicturesLambdaRoleDefaultPolicy"):
			changed++
			document := p["PolicyDocument"].(object)
			document["Statement"] = append(document["Statement"].([]any),
				object{"Effect": "Allow", "Action": "rekognition:DetectLabels", "Resource": "*"})
		}
	}
	require.Equal(t, rekognition, changed == 2)
	data, err = json.Marshal(tmpl)
	require.NoError(t, err)
	return data
}

// world is a local cloud with things and their owners.
type world struct {
	t     *testing.T
	cloud *localcloud.Cloud
	table *store.Store
	mu    sync.Mutex
	log   bytes.Buffer
}

// Write implements io.Writer for the log.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func newWorld(t *testing.T, rekognition bool) *world {
	t.Helper()
	modules := filepath.Join(root(), "internal", "localcloud", "dynamo", "node", "node_modules")
	if _, err := os.Stat(modules); err != nil {
		t.Skip("the local DynamoDB is not installed: run make build")
	}
	require.NoError(t, programs())
	models := t.TempDir()
	_, err := visiontest.WriteSyntheticSSD(models)
	require.NoError(t, err)
	free, w := "127.0.0.1:0", &world{t: t}
	w.cloud, err = localcloud.Open(context.WithoutCancel(t.Context()), localcloud.Config{
		Dir: t.TempDir(), Template: template(t, rekognition), Lambdas: filepath.Join(dir, "lambdas"), NodeModules: modules,
		Models: models, Detector: localcloud.Detector{Program: filepath.Join(dir, "porchlight"), Model: visiontest.Model},
		App: fstest.MapFS{"index.html": {}}, Listen: localcloud.Addresses{App: free, AWS: free, MQTT: free, Credentials: free}, Log: slog.New(slog.NewTextHandler(w, nil)),
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, w.cloud.Close())
		if t.Failed() {
			log := w.log.String()
			t.Logf("end of the local cloud's log:\n%s", log[max(0, len(log)-8000):])
		}
	})
	w.table = store.New(store.Config{Table: w.output("TableName"), API: dynamodb.New(dynamodb.Options{
		Region: w.cloud.Region(), BaseEndpoint: aws.String(w.cloud.AWSURL()), Credentials: w.keys(),
	})})
	return w
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

// thing registers one and returns its client of S3, with the role of devices.
func (w *world) thing(name, owner string) *s3.Client {
	w.t.Helper()
	files, err := w.cloud.RegisterThing(name)
	require.NoError(w.t, err)
	require.NoError(w.t, w.table.Claim(w.t.Context(), name, owner))
	identity, err := iot.LoadIdentity(files.Certificate, files.Key, files.CA)
	require.NoError(w.t, err)
	keys, err := iot.Credentials(iot.CredentialsConfig{
		Endpoint: w.cloud.Addresses().Credentials, RoleAlias: w.output("RoleAliasName"), Thing: name, TLS: identity,
	})
	require.NoError(w.t, err)
	return s3.New(s3.Options{Region: w.cloud.Region(), BaseEndpoint: aws.String(w.cloud.AWSURL()), UsePathStyle: true, Credentials: keys})
}

// says publishes an event as its thing does.
func (w *world) says(e *event.Event) {
	w.t.Helper()
	payload, err := e.Marshal()
	require.NoError(w.t, err)
	thing, _, err := event.SplitCamera(e.Camera)
	require.NoError(w.t, err)
	client := iotdataplane.New(iotdataplane.Options{Region: w.cloud.Region(), BaseEndpoint: aws.String(w.cloud.AWSURL()), Credentials: w.keys()})
	_, err = client.Publish(w.t.Context(), &iotdataplane.PublishInput{
		Topic: aws.String(event.Topic(thing, event.ChannelEvents)), Qos: 1, Payload: payload,
	})
	require.NoError(w.t, err)
}

func keyOf(e *event.Event) string {
	thing, _, _ := event.SplitCamera(e.Camera)
	return "thumbnails/" + thing + "/" + e.Camera + "/" + e.EventID + ".jpg"
}

// scene is a picture of a red block, which the synthetic network takes for a
// person.
func scene(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, visiontest.Scene(640, 480, visiontest.Object{Label: "person", X: 0.4, Y: 0.4}), &jpeg.Options{Quality: 95}))
	return out.Bytes()
}

func (w *world) put(client *s3.Client, key string, body []byte) error {
	_, err := client.PutObject(w.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(w.output("ThumbnailBucketName")), Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("image/jpeg"),
	})
	return err
}

// notices waits for as many and returns their messages.
func (w *world) notices(n int) (got []sqstypes.Message) {
	w.t.Helper()
	queue := w.output("TestNotices")
	client := sqs.New(sqs.Options{Region: w.cloud.Region(), BaseEndpoint: aws.String(w.cloud.AWSURL()), Credentials: w.keys()})
	for end := time.Now().Add(patience); len(got) < n && time.Now().Before(end); {
		out, err := client.ReceiveMessage(w.t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, MessageAttributeNames: []string{"All"},
		})
		require.NoError(w.t, err)
		for _, m := range out.Messages {
			got = append(got, m)
			_, err := client.DeleteMessage(w.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle})
			require.NoError(w.t, err)
		}
	}
	require.Len(w.t, got, n)
	return got
}
