// Package liveview_test follows a live view from the owner's request to the
// camera: what the API answers is all that a viewer here has, and what it
// connects to is the service that one machine has for signaling and relays,
// behind the roles, routes and Lambdas of the committed template.
package liveview_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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
	"porchlight/internal/kvs/signaling"
	"porchlight/internal/localcloud"
	"porchlight/internal/localcloud/oidc/oidctest"
)

// patience bounds every wait; a busy machine may need a good part of it.
const patience = 60 * time.Second

func root() string {
	_, self, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(self)))
}

// lambdas builds the one that is run. The others must be there.
func lambdas(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	bootstrap := func(name string) string { return filepath.Join(dir, name, "bootstrap") }
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w -buildid=", "-o", bootstrap("api"), "./lambdas/api")
	cmd.Dir, cmd.Env = root(), append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, name := range []string{"events", "provision", "faces", "thumbnails"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(bootstrap(name)), 0o755))
		require.NoError(t, os.Link(bootstrap("api"), bootstrap(name)))
	}
	return dir
}

// world is a local cloud.
type world struct {
	t     *testing.T
	cloud *localcloud.Cloud
	table *store.Store
	mu    sync.Mutex
	text  bytes.Buffer
}

// Write implements io.Writer for the log.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

// log is all that the cloud and its Lambdas have logged.
func (w *world) log() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	modules := filepath.Join(root(), "internal", "localcloud", "dynamo", "node", "node_modules")
	if _, err := os.Stat(modules); err != nil {
		t.Skip("the local DynamoDB is not installed: run make build")
	}
	template, err := os.ReadFile(filepath.Join(root(), "infra", "porchlight.template.json"))
	require.NoError(t, err)
	free, w := "127.0.0.1:0", &world{t: t}
	w.cloud, err = localcloud.Open(context.WithoutCancel(t.Context()), localcloud.Config{
		Dir: t.TempDir(), Template: template, Lambdas: lambdas(t), NodeModules: modules,
		Listen: localcloud.Addresses{App: free, AWS: free, MQTT: free, Credentials: free, TURN: free},
		Log:    slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, w.cloud.Close())
		if log := w.log(); t.Failed() {
			t.Logf("end of the local cloud's log:\n%s", log[max(0, len(log)-8000):])
		}
	})
	table, err := w.cloud.Output("TableName")
	require.NoError(t, err)
	w.table = store.New(store.Config{Table: table, API: dynamodb.New(dynamodb.Options{
		Region: w.cloud.Region(), BaseEndpoint: aws.String(w.cloud.AWSURL()), Credentials: w.admin(),
	})})
	return w
}

func (w *world) admin() aws.CredentialsProvider {
	admin := w.cloud.Admin()
	return credentials.NewStaticCredentialsProvider(admin.AccessKeyID, admin.SecretAccessKey, "")
}

// control is a client of the control plane.
func (w *world) control() *kinesisvideo.Client {
	return kinesisvideo.New(kinesisvideo.Options{Region: w.cloud.Region(), BaseEndpoint: aws.String(w.cloud.AWSURL()), Credentials: w.admin()})
}

// owner is somebody who has signed in, and their thing.
type owner struct {
	*world
	sub, token string
	thing      string
	session    string // of the thing with the broker
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
	require.NoError(w.t, w.table.Claim(w.t.Context(), thing, sub))
	o := &owner{w, sub, tokens.Access, thing, event.NewID(time.Now())}
	o.says(event.Online, event.CameraRunning)
	return o
}

// says has the thing tell its state and that of its cameras.
func (o *owner) says(state event.Presence, cameras event.CameraState) {
	o.t.Helper()
	now := time.Now()
	require.NoError(o.t, o.table.ApplyStatus(o.t.Context(), o.sub, o.thing, &event.Status{
		State: state, Session: o.session, Version: "1.0", At: event.At(now),
		Cameras: []event.CameraStatus{{Camera: o.thing + ".front", State: cameras}, {Camera: o.thing + ".back", State: cameras}},
	}, now))
}

// camera connects a master to the camera's channel, which it makes, until the
// test ends or it is stopped.
func (o *owner) camera(name string) (master *signaling.Client, stop func()) {
	o.t.Helper()
	master = signaling.NewMaster(signaling.Config{
		Channel: name, Region: o.cloud.Region(), Credentials: o.admin(), Log: slog.New(slog.DiscardHandler),
		Directory: signaling.NewChannels(signaling.ChannelsConfig{Client: o.control(), Create: true}),
	})
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { _ = master.Run(ctx) })
	stop = func() {
		cancel()
		work.Wait()
	}
	o.t.Cleanup(stop)
	require.Eventually(o.t, func() bool { return master.Stats().State == signaling.Connected }, patience, time.Millisecond)
	return master, stop
}

// call calls the API.
func (o *owner) call(method, path, token string) (status int, header http.Header, body []byte) {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), method, o.cloud.AppURL()+path, nil)
	require.NoError(o.t, err)
	req.Header.Set("Origin", o.cloud.AppURL())
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(o.t, err)
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	require.NoError(o.t, err)
	return resp.StatusCode, resp.Header, body
}

// ask asks for a live view, again where a busy machine had no time for it.
func (o *owner) ask(camera string) (status int, header http.Header, body []byte) {
	o.t.Helper()
	for start := time.Now(); ; {
		status, header, body = o.call(http.MethodPost, live(camera), o.token)
		if status != http.StatusServiceUnavailable || time.Since(start) > patience {
			return status, header, body
		}
	}
}

// view asks for a live view, which there must be.
func (o *owner) view(camera string) (s api.LiveSession) {
	o.t.Helper()
	status, header, body := o.ask(camera)
	require.Equal(o.t, http.StatusOK, status, string(body))
	require.Equal(o.t, "no-store", header.Get("Cache-Control"))
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	require.NoError(o.t, dec.Decode(&s))
	return s
}

// refused asks for a live view, which there must not be.
func (o *owner) refused(camera string, status int) (p api.Problem) {
	o.t.Helper()
	got, _, body := o.ask(camera)
	require.Equal(o.t, status, got, string(body))
	require.NoError(o.t, json.Unmarshal(body, &p))
	return p
}

func live(camera string) string { return fmt.Sprintf("/v1/cameras/%s/live", camera) }
