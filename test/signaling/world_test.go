// Package signaling_test has the client of signaling channels speak to the
// service that one machine has for them, which is written from the documents
// alone: neither is made for the other.
package signaling_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	client "porchlight/internal/kvs/signaling"
	"porchlight/internal/localcloud/frontdoor"
	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/kvs"
	"porchlight/internal/localcloud/kvs/signaling"
	"porchlight/internal/localcloud/sts"
	"porchlight/internal/logtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	region   = "us-east-1"
	account  = "000000000000"
	patience = 60 * time.Second
)

// devicePolicy lets a device be the master of the channels that begin with its
// name, and viewerPolicy lets one watch one channel.
const (
	devicePolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kinesisvideo:CreateSignalingChannel",
		"kinesisvideo:DescribeSignalingChannel","kinesisvideo:GetSignalingChannelEndpoint","kinesisvideo:GetIceServerConfig","kinesisvideo:ConnectAsMaster"],
		"Resource":"arn:aws:kinesisvideo:us-east-1:000000000000:channel/${credentials-iot:ThingName}.*/*"}]}`
	viewerPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kinesisvideo:DescribeSignalingChannel",
		"kinesisvideo:GetSignalingChannelEndpoint","kinesisvideo:GetIceServerConfig","kinesisvideo:ConnectAsViewer"],
		"Resource":"arn:aws:kinesisvideo:us-east-1:000000000000:channel/home.porch/*"}]}`
	deviceRole = "arn:aws:iam::000000000000:role/device"
	viewerRole = "arn:aws:iam::000000000000:role/viewer"
)

// roles authorizes by the policies above.
type roles map[string]iam.Document

func (r roles) Authorize(p sts.Principal, action, resource string) error {
	d := iam.Evaluate([]iam.Document{r[p.RoleARN]}, iam.Request{Action: action, Resource: resource, Variables: p.Vars})
	if !d.Allowed {
		return errors.New(d.Reason)
	}
	return nil
}

// world is a service behind a front door.
type world struct {
	t       *testing.T
	service *signaling.Service
	keys    *sts.Service
	server  *httptest.Server
	logs    *logtest.Memory

	transport *http.Transport
}

// unbounded are limits that tests do not meet by being quick.
var unbounded = signaling.Limits{Connects: 1e6, SDP: 1e6, Candidates: 1e6, ICE: 1e6}

func start(t *testing.T, change func(*signaling.Config)) *world {
	t.Helper()
	return startOn(t, "http", change)
}

// startOn has all endpoints begin with a scheme, http or https.
func startOn(t *testing.T, scheme string, change func(*signaling.Config)) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, logs: &logtest.Memory{}, server: httptest.NewUnstartedServer(nil)}
	endpoint := scheme + "://" + w.server.Listener.Addr().String()
	cfg := signaling.Config{Dir: filepath.Join(dir, "signaling"), Region: region, AccountID: account, Endpoint: endpoint,
		Relay: "127.0.0.1:0", Limits: unbounded, Logger: w.logs.Logger()}
	if change != nil {
		change(&cfg)
	}
	var err error
	w.keys, err = sts.Open(sts.Config{Dir: filepath.Join(dir, "sts"), AccountID: account})
	require.NoError(t, err)
	w.service, err = signaling.Open(t.Context(), cfg)
	require.NoError(t, err)
	video, err := kvs.Open(kvs.Config{Dir: filepath.Join(dir, "video"), Region: region, AccountID: account, Endpoint: endpoint,
		Signaling: w.service, Logger: cfg.Logger})
	require.NoError(t, err)
	policies := roles{}
	for role, text := range map[string]string{deviceRole: devicePolicy, viewerRole: viewerPolicy} {
		var d iam.Document
		require.NoError(t, json.Unmarshal([]byte(text), &d))
		policies[role] = d
	}
	w.server.Config.Handler, err = frontdoor.New(frontdoor.Config{Region: region, AccountID: account, Keys: w.keys, Logger: cfg.Logger,
		Authorizer: policies, Handlers: map[string]http.Handler{"kinesisvideo": video}, StreamARN: video.StreamARN, ChannelARN: w.service.ChannelARN})
	require.NoError(t, err)
	if w.transport = (&http.Transport{DisableKeepAlives: true}); scheme == "https" {
		w.server.StartTLS()
		w.transport.TLSClientConfig = w.server.Client().Transport.(*http.Transport).TLSClientConfig
	} else {
		w.server.Start()
	}
	t.Cleanup(func() {
		require.NoError(t, w.service.Close())
		w.server.Close()
		require.NoError(t, video.Close())
	})
	return w
}

// device returns keys of a thing, and viewer those of someone who watches.
func (w *world) device(thing string) aws.CredentialsProvider {
	return w.issue(deviceRole, map[string]string{"credentials-iot:ThingName": thing})
}

func (w *world) viewer() aws.CredentialsProvider { return w.issue(viewerRole, nil) }

func (w *world) issue(role string, vars map[string]string) aws.CredentialsProvider {
	w.t.Helper()
	c, err := w.keys.Issue(role, "test", vars, time.Hour)
	require.NoError(w.t, err)
	return credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
}

// directory is a control plane for keys.
func (w *world) directory(keys aws.CredentialsProvider) *client.Channels {
	return client.NewChannels(client.ChannelsConfig{Create: true, Tags: map[string]string{"thing": "home"}, Client: w.control(keys)})
}

func (w *world) control(keys aws.CredentialsProvider) *kinesisvideo.Client {
	return kinesisvideo.New(kinesisvideo.Options{
		Region: region, BaseEndpoint: aws.String(w.server.URL), Credentials: keys, Retryer: aws.NopRetryer{},
		HTTPClient: &http.Client{Transport: w.transport},
	})
}

// quick are timings for a service next door.
var quick = client.Timing{
	RetryMin: time.Millisecond, RetryMax: 50 * time.Millisecond, RetrySlow: 20 * time.Millisecond, Steady: time.Nanosecond,
	Standby: time.Hour, Send: patience, Handshake: patience, Close: 20 * time.Second,
}

func (w *world) config(keys aws.CredentialsProvider) client.Config {
	return client.Config{
		Channel: "home.porch", Region: region, Directory: w.directory(keys), Credentials: keys, Log: w.logs.Logger(),
		Timing: quick, Rates: client.Rates{SDP: 1e6, Candidate: 1e6}, TLS: w.transport.TLSClientConfig,
	}
}

// running is a client at work.
type running struct {
	*client.Client
	t    *testing.T
	stop func()
}

func run(t *testing.T, c *client.Client) *running {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { _ = c.Run(ctx) })
	r := &running{c, t, func() {
		cancel()
		work.Wait()
	}}
	t.Cleanup(r.stop)
	return r
}

func (w *world) master(change func(*client.Config)) *running {
	cfg := w.config(w.device("home"))
	if change != nil {
		change(&cfg)
	}
	return run(w.t, client.NewMaster(cfg)).connected(1)
}

func (w *world) watch(id string, change func(*client.Config)) *running {
	cfg := w.config(w.viewer())
	cfg.ClientID = id
	if change != nil {
		change(&cfg)
	}
	return run(w.t, client.NewViewer(cfg)).connected(1)
}

// connected waits for so many connections, the last of which is up.
func (r *running) connected(times int64) *running {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		s := r.Stats()
		return s.Connects >= times && s.State == client.Connected
	}, patience, time.Millisecond)
	return r
}

func (r *running) receive() client.Message {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	m, err := r.Receive(ctx)
	require.NoError(r.t, err)
	return m
}

func (r *running) send(m client.Message) {
	r.t.Helper()
	require.NoError(r.t, r.Send(r.t.Context(), m))
}

func message(kind client.Kind, to, payload string) client.Message {
	return client.Message{Kind: kind, Client: to, Payload: []byte(payload)}
}
