package localcloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/localcloud"
	"porchlight/internal/localcloud/rekognition"
	"porchlight/internal/localcloud/sts"
	"porchlight/internal/localcloud/template"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const deviceRole = "arn:aws:iam::000000000000:role/device"

// grants allows a role what is listed as "action resource"; a resource may end in *.
type grants []string

func (g grants) Authorize(_ sts.Principal, action, resource string) error {
	for _, line := range g {
		a, r, _ := strings.Cut(line, " ")
		prefix, wild := strings.CutSuffix(r, "*")
		if a == action && (r == resource || wild && strings.HasPrefix(resource, prefix)) {
			return nil
		}
	}
	return errors.New("no statement allows it")
}

// recorder takes invocations of functions.
type recorder struct {
	mu       sync.Mutex
	fail     error
	payloads []string
}

func (r *recorder) InvokeAsync(_ context.Context, functionARN string, payload []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail == nil {
		r.payloads = append(r.payloads, functionARN+" "+string(payload))
	}
	return r.fail
}

// elsewhere stands for services of other packages: it answers with what reached it.
var elsewhere = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(map[string]any{"TableNames": []string{r.Method + " " + r.URL.Path + " " + r.Header.Get("X-Amz-Target") + " " + string(body)}})
})

type world struct {
	stack  *template.Stack
	core   *localcloud.Core
	sts    *sts.Service
	lambda *recorder
	server *httptest.Server
}

func (w *world) stop() {
	w.server.Close()
	_ = w.core.Close()
}

// start runs the core on the state in dir.
func start(t *testing.T, dir string, allowed grants) *world {
	t.Helper()
	return startWith(t, dir, allowed, map[string]http.Handler{"dynamodb": elsewhere, "iotdata": elsewhere})
}

func startWith(t *testing.T, dir string, allowed grants, handlers map[string]http.Handler) *world {
	t.Helper()
	return startOn(t, dir, allowed, handlers, rekognition.Config{})
}

func startOn(t *testing.T, dir string, allowed grants, handlers map[string]http.Handler, detector rekognition.Config) *world {
	t.Helper()
	raw, err := os.ReadFile("testdata/core.template.json")
	require.NoError(t, err)
	w := &world{lambda: &recorder{}}
	w.server = httptest.NewUnstartedServer(nil) // its address is known before what it serves
	w.stack, err = template.Load(template.Environment{Region: "us-east-1", AccountID: "000000000000", StackName: "porchlight",
		Endpoint: "http://" + w.server.Listener.Addr().String()}, raw)
	require.NoError(t, err)
	w.sts, err = sts.Open(sts.Config{Dir: dir + "/sts", AccountID: "000000000000"})
	require.NoError(t, err)
	w.core, err = localcloud.OpenCore(localcloud.CoreConfig{Dir: dir, Stack: w.stack, STS: w.sts, Authorizer: allowed,
		Lambda: w.lambda, Handlers: handlers, Detector: detector,
		Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	w.server.Config.Handler = w.core.Door
	w.server.Start()
	t.Cleanup(w.stop)
	return w
}

func (w *world) id(t *testing.T, logicalID string) string {
	t.Helper()
	r, ok := w.stack.Resource(logicalID)
	require.True(t, ok, logicalID)
	return r.PhysicalID
}

// config is that of an SDK client signing with the given credentials.
func (w *world) config(c sts.Credentials) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(w.server.URL), HTTPClient: w.server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func (w *world) admin() aws.Config { return w.config(w.sts.Admin()) }
