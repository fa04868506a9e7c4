package live

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var t0 = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

const (
	secret = "the-secret-key"
	token  = "the/session+token=="
	relays = `{"IceServerList":[{"Uris":["turn:relay:443?transport=udp","turns:relay:443?transport=tcp"],"Username":"u","Password":"p","Ttl":300}]}`
)

// service is signaling that has one channel, porch.front, and is asked for
// relays over HTTP. How it is to fail, fail says.
type service struct {
	server *httptest.Server

	mu       sync.Mutex
	created  int // how often the channel was made anew
	status   types.Status
	wss      string
	found    int   // times that the channel was asked for
	trouble  error // of the control plane
	fail     func(w http.ResponseWriter) bool
	asked    []map[string]string // of relays
	requests []*http.Request
}

func (s *service) arn() string {
	return fmt.Sprintf("arn:aws:kinesisvideo:eu-west-1:000000000000:channel/porch.front/%d", s.created)
}

func (s *service) DescribeSignalingChannel(_ context.Context, in *kinesisvideo.DescribeSignalingChannelInput, _ ...func(*kinesisvideo.Options)) (*kinesisvideo.DescribeSignalingChannelOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found++
	switch {
	case s.trouble != nil:
		return nil, s.trouble
	case *in.ChannelName != "porch.front":
		return nil, &types.ResourceNotFoundException{}
	}
	return &kinesisvideo.DescribeSignalingChannelOutput{ChannelInfo: &types.ChannelInfo{ChannelARN: aws.String(s.arn()), ChannelStatus: s.status}}, nil
}

func (s *service) GetSignalingChannelEndpoint(_ context.Context, in *kinesisvideo.GetSignalingChannelEndpointInput, _ ...func(*kinesisvideo.Options)) (*kinesisvideo.GetSignalingChannelEndpointOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *in.ChannelARN != s.arn() || in.SingleMasterChannelEndpointConfiguration.Role != types.ChannelRoleViewer {
		return nil, &types.ResourceNotFoundException{}
	}
	out := &kinesisvideo.GetSignalingChannelEndpointOutput{ResourceEndpointList: []types.ResourceEndpointListItem{
		{Protocol: types.ChannelProtocolHttps, ResourceEndpoint: &s.server.URL},
	}}
	if s.wss != "" {
		out.ResourceEndpointList = append(out.ResourceEndpointList, types.ResourceEndpointListItem{Protocol: types.ChannelProtocolWss, ResourceEndpoint: &s.wss})
	}
	return out, nil
}

// ServeHTTP answers GetIceServerConfig.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var in map[string]string
	_ = json.Unmarshal(raw, &in)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.requests = append(s.asked, in), append(s.requests, r)
	switch {
	case r.URL.Path != icePath:
		refuse(w, http.StatusNotFound, "UnknownOperationException", r.URL.Path)
	case s.fail != nil && s.fail(w):
	case in["ChannelARN"] != s.arn():
		refuse(w, http.StatusNotFound, "ResourceNotFoundException", "no such channel")
	default:
		_, _ = io.WriteString(w, relays)
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", code+":http://internal.amazon.com/")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

// world is a Service over that, with credentials and a clock.
type world struct {
	*Service
	*service
	now   time.Time
	creds aws.Credentials
}

// Retrieve implements aws.CredentialsProvider.
func (w *world) Retrieve(context.Context) (aws.Credentials, error) { return w.creds, nil }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{service: &service{status: types.StatusActive, wss: "wss://v-1.example.org"}, now: t0,
		creds: aws.Credentials{AccessKeyID: "ASIAKEY", SecretAccessKey: secret, SessionToken: token}}
	w.server = httptest.NewServer(w.service)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		w.server.Close()
	})
	w.Service = New(Config{Channels: w.service, HTTP: &http.Client{Transport: transport}, Credentials: w, Region: "eu-west-1", Now: func() time.Time { return w.now }})
	w.retryer = retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		o.Retryables = append(o.Retryables, retry.RetryableErrorCode{Codes: map[string]struct{}{throttling: {}}})
	})
	return w
}

func (w *world) view(t *testing.T) Session {
	t.Helper()
	s, err := w.View(t.Context(), "porch.front")
	require.NoError(t, err)
	return s
}

// fails has relays answered by fail, where that says so.
func (s *service) fails(fail func(http.ResponseWriter) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

// failing has relays refused so many times.
func (s *service) failing(times, status int, code, message string) {
	s.fails(func(out http.ResponseWriter) bool {
		if times--; times < 0 {
			return false
		}
		refuse(out, status, code, message)
		return true
	})
}

// times that relays were asked for.
func (s *service) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func long(n int) string { return strings.Repeat("x", n) }
