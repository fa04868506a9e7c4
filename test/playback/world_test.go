// Package playback_test follows video from a thing's own hands to its owner's
// player: through the streams, roles, routes and Lambdas of the committed
// template on the local cloud, with ffprobe looking at what there is to see.
package playback_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/api"
	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
	"porchlight/internal/iot"
	"porchlight/internal/kvs/producer"
	"porchlight/internal/localcloud"
	"porchlight/internal/localcloud/oidc/oidctest"
	"porchlight/internal/media"
	"porchlight/internal/media/mediatest"
)

// patience bounds every wait; a busy machine may need a good part of it.
const patience = 60 * time.Second

func root() string {
	_, self, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(self)))
}

var dir string // of what is built

// lambdas builds the one that is run, once. The others must be there.
var lambdas = sync.OnceValue(func() error {
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w -buildid=", "-o", bootstrap("api"), "./lambdas/api")
	cmd.Dir, cmd.Env = root(), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build api: %w\n%s", err, out)
	}
	for _, name := range []string{"events", "provision", "faces", "thumbnails"} {
		if err := os.MkdirAll(filepath.Dir(bootstrap(name)), 0o755); err != nil {
			return err
		}
		if err := os.Link(bootstrap("api"), bootstrap(name)); err != nil {
			return err
		}
	}
	return nil
})

// bootstrap is the program of a Lambda.
func bootstrap(name string) string { return filepath.Join(dir, name, "bootstrap") }

func TestMain(m *testing.M) {
	var err error
	if dir, err = os.MkdirTemp("", "porchlight-playback-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code) //nolint:forbidigo // a TestMain is a main
}

// world is a local cloud.
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

func newWorld(t *testing.T) *world {
	t.Helper()
	modules := filepath.Join(root(), "internal", "localcloud", "dynamo", "node", "node_modules")
	if _, err := os.Stat(modules); err != nil {
		t.Skip("the local DynamoDB is not installed: run make build")
	}
	require.NoError(t, lambdas())
	template, err := os.ReadFile(filepath.Join(root(), "infra", "porchlight.template.json"))
	require.NoError(t, err)
	page, _ := app()
	free, w := "127.0.0.1:0", &world{t: t}
	w.cloud, err = localcloud.Open(context.WithoutCancel(t.Context()), localcloud.Config{
		Dir: t.TempDir(), Template: template, Lambdas: dir, NodeModules: modules, App: page,
		Listen: localcloud.Addresses{App: free, AWS: free, MQTT: free, Credentials: free}, Log: slog.New(slog.NewTextHandler(w, nil)),
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, w.cloud.Close())
		if t.Failed() {
			log := w.log.String()
			t.Logf("end of the local cloud's log:\n%s", log[max(0, len(log)-8000):])
		}
	})
	admin := w.cloud.Admin()
	table, err := w.cloud.Output("TableName")
	require.NoError(t, err)
	w.table = store.New(store.Config{Table: table, API: dynamodb.New(dynamodb.Options{
		Region: w.cloud.Region(), BaseEndpoint: aws.String(w.cloud.AWSURL()),
		Credentials: credentials.NewStaticCredentialsProvider(admin.AccessKeyID, admin.SecretAccessKey, ""),
	})})
	return w
}

// owner is somebody who has signed in, and their thing.
type owner struct {
	*world
	email, password string
	sub, token      string
	thing           string
	keys            aws.CredentialsProvider // of the thing, from its certificate
}

// newOwner makes one with a thing that has the cameras front and back.
func (w *world) newOwner(name, thing string) *owner {
	w.t.Helper()
	email, password := name+"@example.org", "a long enough Passw0rd!"
	sub, err := w.cloud.AddUser(email, password)
	require.NoError(w.t, err)
	tokens, err := oidctest.App{Issuer: w.cloud.Issuer(), ClientID: w.cloud.ClientID(), RedirectURL: w.cloud.AppURL() + "/"}.
		SignIn(w.t.Context(), email, password)
	require.NoError(w.t, err)
	files, err := w.cloud.RegisterThing(thing)
	require.NoError(w.t, err)
	identity, err := iot.LoadIdentity(files.Certificate, files.Key, files.CA)
	require.NoError(w.t, err)
	alias, err := w.cloud.Output("RoleAliasName")
	require.NoError(w.t, err)
	keys, err := iot.Credentials(iot.CredentialsConfig{Endpoint: w.cloud.Addresses().Credentials, RoleAlias: alias, Thing: thing, TLS: identity})
	require.NoError(w.t, err)
	require.NoError(w.t, w.table.Claim(w.t.Context(), thing, sub))
	now := time.Now()
	require.NoError(w.t, w.table.ApplyStatus(w.t.Context(), sub, thing, &event.Status{
		State: event.Online, Session: event.NewID(now), Version: "1.0", At: event.At(now),
		Cameras: []event.CameraStatus{{Camera: thing + ".front", State: event.CameraRunning}, {Camera: thing + ".back", State: event.CameraRunning}},
	}, now))
	return &owner{w, email, password, sub, tokens.Access, thing, keys}
}

// control is the thing's client of the control plane.
func (o *owner) control() *kinesisvideo.Client {
	return kinesisvideo.New(kinesisvideo.Options{Region: o.cloud.Region(), BaseEndpoint: aws.String(o.cloud.AWSURL()), Credentials: o.keys})
}

// send uploads video of a camera as a device does, as if taken at a time, and
// returns once the service has it all.
func (o *owner) send(camera string, at time.Time, clip *mediatest.Clip) {
	o.t.Helper()
	log := slog.New(slog.NewTextHandler(o, nil))
	ring := media.NewRing(media.RingConfig{Keep: time.Hour, Log: log})
	fragments := int64(0)
	for _, p := range clip.Packets {
		moved := *p
		moved.Time = at.Add(p.PTS)
		ring.Put(&moved)
		if p.Key && !p.Stream.Audio() {
			fragments++
		}
	}
	p := producer.New(producer.Config{
		Camera: camera, Stream: camera, Region: o.cloud.Region(), Ring: ring, Credentials: o.keys, Log: log,
		Timing:    producer.Timing{Silence: 100 * time.Millisecond, Linger: 100 * time.Millisecond}, // nothing more comes
		Endpoints: producer.NewStreams(producer.StreamsConfig{Client: o.control(), Retention: 24 * time.Hour, Tags: map[string]string{"thing": o.thing}}),
	})
	ctx, cancel := context.WithCancel(o.t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	require.NoError(o.t, p.Begin(producer.Event{ID: event.NewID(at), From: at.Add(-time.Second), Until: at.Add(time.Hour)}))
	require.Eventually(o.t, func() bool { return p.Stats().Persisted == fragments }, patience, 10*time.Millisecond, "%+v", p.Stats())
	cancel()
	require.NoError(o.t, <-done)
}

// film is so many seconds of picture and sound, a fragment each two.
func film(t *testing.T, length string) *mediatest.Clip {
	t.Helper()
	return mediatest.Encode(t, append(mediatest.Scene("320x180", "10", length, true),
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-keyint_min", "20", "-sc_threshold", "0", "-bf", "0")...)
}

// get calls the API; into takes the answer, a problem included.
func (o *owner) get(path string, query url.Values, into any) (status int, header http.Header) {
	o.t.Helper()
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	status, header, body := o.fetch(o.cloud.AppURL()+path, "Bearer "+o.token)
	require.NoError(o.t, json.Unmarshal(body, into), string(body))
	return status, header
}

// fetch gets a URL as a page of the app does.
func (w *world) fetch(address, authorization string) (int, http.Header, []byte) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
	require.NoError(w.t, err)
	req.Header.Set("Origin", w.cloud.AppURL())
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	return resp.StatusCode, resp.Header, body
}

// ok calls the API, which must have an answer.
func ok[T any](o *owner, path string, query url.Values) (out T) {
	o.t.Helper()
	var raw json.RawMessage
	status, _ := o.get(path, query, &raw)
	require.Equal(o.t, http.StatusOK, status, string(raw))
	require.NoError(o.t, json.Unmarshal(raw, &out))
	return out
}

// refused calls the API, which must have a problem.
func (o *owner) refused(status int, path string, query url.Values) (p api.Problem) {
	o.t.Helper()
	got, _ := o.get(path, query, &p)
	require.Equal(o.t, status, got, "%s: %+v", path, p)
	return p
}

func span(from, to time.Time) url.Values {
	return url.Values{"from": {event.At(from).String()}, "to": {event.At(to).String()}}
}
