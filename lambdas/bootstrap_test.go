// Package lambdas_test runs the Lambdas as they are deployed: the binaries,
// built with the deployment's flags, behind a Lambda Runtime API.
package lambdas_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/event"
	"porchlight/internal/localcloud/dynamo/dynamotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// maxZip is the budget of a deployment package, bytes.
const maxZip = 5 << 20

// build makes the bootstrap of a Lambda and returns its path.
func build(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w -buildid=", "-o", path, "./"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// function is a running Lambda: what is sent to in is answered on out.
type function struct {
	in  chan any
	out chan json.RawMessage
}

// start runs a bootstrap behind a Runtime API until the test ends.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func start(t *testing.T, bootstrap string, env ...string) *function {
	t.Helper()
	f := &function{in: make(chan any), out: make(chan json.RawMessage)}
	ctx, cancel := context.WithCancel(t.Context())
	runtime := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/invocation/next") {
			select {
			case payload := <-f.in:
				w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
				w.Header().Set("Lambda-Runtime-Deadline-Ms", "9999999999999")
				_ = json.NewEncoder(w).Encode(payload)
			case <-ctx.Done():
			}
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		select {
		case f.out <- body:
		case <-ctx.Done():
		}
	}))
	cmd := exec.CommandContext(ctx, bootstrap)
	cmd.Env = append(env, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(runtime.URL, "http://"),
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	var log bytes.Buffer
	cmd.Stderr = &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		runtime.CloseClientConnections()
		runtime.Close()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return f
}

func (f *function) invoke(t *testing.T, payload any) (answer json.RawMessage) {
	t.Helper()
	patience := time.After(time.Minute)
	select {
	case f.in <- payload:
	case <-patience:
		t.Fatal("the function does not ask for work")
	}
	select {
	case answer = <-f.out:
	case <-patience:
		t.Fatal("the function does not answer")
	}
	return answer
}

// aws serves the database and one secret, the rest of AWS being absent.
func aws(t *testing.T) string {
	t.Helper()
	db := dynamotest.Start(t)
	require.NoError(t, db.Provision(t.Context(), dynamotest.Table()))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == "secretsmanager.GetSecretValue" {
			_, _ = io.WriteString(w, `{"SecretString":"`+strings.Repeat("s", 32)+`"}`)
			return
		}
		db.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestFromTopicToAPI(t *testing.T) {
	url := aws(t)
	claim(t, url, "porch", "alice")
	table := "TABLE_NAME=" + dynamotest.Table().TableName
	ingest := start(t, build(t, "events"), "AWS_ENDPOINT_URL="+url, table, "EVENT_RETENTION_DAYS=30")
	api := start(t, build(t, "api"), "AWS_ENDPOINT_URL="+url, table, "THUMBNAIL_BUCKET=thumbs", "CURSOR_SECRET_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:c")

	now := event.At(time.Now())
	e := &event.Event{
		EventID: event.NewID(now.Time), Sequence: 1, State: event.Started, Camera: "porch.front", StartedAt: now, UpdatedAt: now,
		Labels: map[string]float64{"person": 0.9}, Score: 0.9, Model: "hog",
	}
	e.ThumbnailKey = "thumbnails/porch/porch.front/" + e.EventID + ".jpg"
	message := func(topic string) events.SNSEvent {
		raw, err := e.Marshal()
		require.NoError(t, err)
		var fields map[string]any
		require.NoError(t, json.Unmarshal(raw, &fields))
		fields["topic"], fields["received_at"] = topic, now.UnixMilli()
		raw, err = json.Marshal(fields)
		require.NoError(t, err)
		return events.SNSEvent{Records: []events.SNSEventRecord{{SNS: events.SNSEntity{Message: string(raw)}}}}
	}
	require.Equal(t, "null", string(ingest.invoke(t, message("porchlight/v1/porch/events"))))
	require.Contains(t, string(ingest.invoke(t, message("porchlight/v1/shed/events"))), "rejected", "poison is an error, for the dead-letter queue")

	req := events.APIGatewayV2HTTPRequest{RouteKey: "GET /v1/events/{event_id}", PathParameters: map[string]string{"event_id": e.EventID}}
	for owner, status := range map[string]int{"alice": 200, "bob": 404} {
		req.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
			JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{"sub": owner}},
		}
		var res events.APIGatewayV2HTTPResponse
		require.NoError(t, json.Unmarshal(api.invoke(t, req), &res))
		require.Equal(t, status, res.StatusCode, res.Body)
		require.Equal(t, status == 200, strings.Contains(res.Body, url+"/thumbs/"+e.ThumbnailKey), res.Body)
	}
}

// claim writes the item that says whose the thing is.
func claim(t *testing.T, url, thing, owner string) {
	t.Helper()
	item(t, url, `{"pk":{"S":"THING#`+thing+`"},"sk":{"S":"OWNER"},"owner":{"S":"`+owner+`"}}`)
}

func TestBadConfigurationIsNamed(t *testing.T) {
	built := map[string]string{"events": build(t, "events"), "api": build(t, "api"), "provision": build(t, "provision"), "thumbnails": build(t, "thumbnails")}
	pictures := []string{"TABLE_NAME=t", "THUMBNAIL_BUCKET=b", "PICTURE_QUEUE_URL=q"}
	for _, c := range []struct {
		name, complaint string
		env             []string
	}{
		{"events", "TABLE_NAME", nil},
		{"events", "EVENT_RETENTION_DAYS is not set", []string{"TABLE_NAME=t"}},
		{"events", `EVENT_RETENTION_DAYS is \"month\"`, []string{"TABLE_NAME=t", "EVENT_RETENTION_DAYS=month"}},
		{"provision", "TABLE_NAME", nil},
		{"thumbnails", "PICTURE_QUEUE_URL", pictures[:2]},
		{"thumbnails", "NOTICE_TOPIC_ARN", pictures},
		{"thumbnails", `REKOGNITION_COOLDOWN_SECONDS is \"often\"`, append(pictures, "NOTICE_TOPIC_ARN=a", "REKOGNITION_COOLDOWN_SECONDS=often")},
		{"api", "TABLE_NAME", nil},
		{"api", "THUMBNAIL_BUCKET", []string{"TABLE_NAME=t"}},
		{"api", "CURSOR_SECRET_ARN", []string{"TABLE_NAME=t", "THUMBNAIL_BUCKET=b"}},
	} {
		cmd := exec.CommandContext(t.Context(), built[c.name])
		cmd.Env = append([]string{"AWS_REGION=us-east-1"}, c.env...)
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), c.complaint)
	}
}

func TestPackagesFitTheBudget(t *testing.T) {
	for _, name := range []string{"events", "api", "provision", "thumbnails"} {
		binary, err := os.ReadFile(build(t, name))
		require.NoError(t, err)
		var packed bytes.Buffer
		w := zip.NewWriter(&packed)
		w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestCompression) })
		file, err := w.Create("bootstrap")
		require.NoError(t, err)
		_, err = file.Write(binary)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		t.Logf("%s: %d bytes, %d zipped", name, len(binary), packed.Len())
		require.LessOrEqual(t, packed.Len(), maxZip, name)
	}
}
