package signaling

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/logtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 60 * time.Second

// service answers as a script says.
type service struct {
	web     *httptest.Server
	renewed atomic.Int64
	fresh   atomic.Int64 // times that credentials were asked for anew
	logs    logtest.Memory
}

func newService(t *testing.T, handle http.HandlerFunc) *service {
	s := &service{web: httptest.NewServer(handle)}
	t.Cleanup(s.web.Close)
	return s
}

// Endpoints implements Directory.
func (s *service) Endpoints(_ context.Context, _ string, _ Role, renew bool) (Endpoints, error) {
	if renew {
		s.renewed.Add(1)
	}
	return Endpoints{ARN: "arn:aws:kinesisvideo:eu-central-1:000000000000:channel/door/1", WSS: "ws" + strings.TrimPrefix(s.web.URL, "http"), HTTPS: s.web.URL}, nil
}

// Retrieve and Invalidate implement credentials that are remembered.
func (s *service) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "token"}, nil
}

func (s *service) Invalidate() { s.fresh.Add(1) }

func (s *service) run(t *testing.T, create func(Config) *Client) *Client {
	c := create(Config{Channel: "door", Region: "eu-central-1", Directory: s, Credentials: s, Log: s.logs.Logger(), Timing: Timing{
		RetryMin: time.Millisecond, RetryMax: 20 * time.Millisecond, RetrySlow: 10 * time.Millisecond, Send: patience, Handshake: patience,
	}})
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { _ = c.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		work.Wait()
	})
	return c
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		kind   string
		seen   func(*service) bool
	}{
		"keys are renewed":         {403, "AccessDeniedException", func(s *service) bool { return s.fresh.Load() > 1 }},
		"the channel is looked up": {404, "ResourceNotFoundException", func(s *service) bool { return s.renewed.Load() > 1 }},
		"wrong endpoint":           {400, "InvalidEndpointException", func(s *service) bool { return s.renewed.Load() > 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("x-amzn-ErrorType", c.kind+":http://internal/")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(`{"message":"because"}`))
			})
			s.run(t, NewMaster)
			require.Eventually(t, func() bool { return c.seen(s) }, patience, time.Millisecond)
			require.Eventually(t, func() bool { return strings.Contains(s.logs.String(), "because") }, patience, time.Millisecond, "why is said")
			require.NotContains(t, s.logs.String(), "X-Amz-Signature")
		})
	}
}

// A service that wants every connection replaced at once is not run over.
func TestGoAwayAtOnce(t *testing.T) {
	t.Parallel()
	var connects atomic.Int64
	var up websocket.Upgrader
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			return
		}
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		connects.Add(1)
		_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"messageType":"GO_AWAY"}`))
		_, _, _ = ws.ReadMessage()
	})
	s.run(t, NewMaster)
	require.Eventually(t, func() bool { return connects.Load() > 5 }, patience, time.Millisecond)
	require.Contains(t, s.logs.String(), "wants it replaced at once")
}

// A connection on which nothing is heard is not trusted.
func TestSilentConnection(t *testing.T) {
	t.Parallel()
	var connects atomic.Int64
	var up websocket.Upgrader
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			return
		}
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		if connects.Add(1) == 1 { // pings are not answered
			_, _ = io.Copy(io.Discard, ws.NetConn())
			return
		}
		_, _, _ = ws.ReadMessage()
	})
	c := s.run(t, func(cfg Config) *Client {
		cfg.Timing.Ping, cfg.Timing.Silence = 20*time.Millisecond, 200*time.Millisecond
		return NewMaster(cfg)
	})
	require.Eventually(t, func() bool { return c.Stats().Connects > 1 }, patience, time.Millisecond)
}

func TestSendWithoutConnection(t *testing.T) {
	t.Parallel()
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	c := s.run(t, func(cfg Config) *Client {
		cfg.Timing.Send = time.Millisecond
		return NewViewer(cfg)
	})
	require.ErrorIs(t, c.Send(t.Context(), Message{Kind: Offer, Payload: []byte("{}")}), ErrNotConnected)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.Send(ctx, Message{Kind: Offer, Payload: []byte("{}")}), context.Canceled)
	_, err := c.Receive(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestPresign(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	creds := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "to+ken"}
	for endpoint, want := range map[string]string{"wss://v-1.kinesisvideo.example": "wss://v-1.kinesisvideo.example/?", "ws://127.0.0.1:4566/signaling/viewer": "ws://127.0.0.1:4566/signaling/viewer?"} {
		address, err := Presign(t.Context(), Endpoints{ARN: "arn:x", WSS: endpoint}, "anna", "eu-central-1", creds, at)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(address, want), address)
		u, err := url.Parse(address)
		require.NoError(t, err)
		q := u.Query()
		require.NotEmpty(t, q.Get("X-Amz-Signature"))
		q.Del("X-Amz-Signature")
		require.Equal(t, url.Values{"X-Amz-ChannelARN": {"arn:x"}, "X-Amz-ClientId": {"anna"}, "X-Amz-Expires": {"299"}, "X-Amz-SignedHeaders": {"host"},
			"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Date": {"20260301T120000Z"}, "X-Amz-Security-Token": {"to+ken"},
			"X-Amz-Credential": {"AKID/20260301/eu-central-1/kinesisvideo/aws4_request"}}, q)
	}
	for _, endpoint := range []string{"", "https://x", "wss://", "%"} {
		_, err := Presign(t.Context(), Endpoints{WSS: endpoint}, "", "eu-central-1", creds, at)
		require.ErrorIs(t, err, ErrChannel, endpoint)
	}
}

func TestICEAnswer(t *testing.T) {
	var a iceAnswer
	require.NoError(t, json.Unmarshal([]byte(`{"IceServerList":[{"Uris":["turn:a"],"Username":"u","Password":"p","Ttl":300},{"Uris":["turn:b"],"Ttl":200},{"Ttl":1}]}`), &a))
	servers, ttl := a.servers()
	require.Equal(t, []ICEServer{{URLs: []string{"turn:a"}, Username: "u", Credential: "p"}, {URLs: []string{"turn:b"}}}, servers)
	require.Equal(t, 200*time.Second, ttl)
	require.Equal(t, []ICEServer{{URLs: []string{"stun:stun.kinesisvideo.eu-central-1.amazonaws.com:443"}}}, stunServers("https://r-1.kinesisvideo.eu-central-1.amazonaws.com", "eu-central-1"))
	require.Equal(t, []ICEServer{{URLs: []string{"stun:stun.kinesisvideo.cn-north-1.amazonaws.com.cn:443"}}}, stunServers("https://r-1.kinesisvideo.cn-north-1.amazonaws.com.cn", "cn-north-1"))
	require.Empty(t, stunServers("http://127.0.0.1:4566", "us-east-1"))
}

// While the service cannot be asked, servers that are still good are given.
func TestICEServersOutlastAnOutage(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/get-ice-server-config" || asked.Add(1) > 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(`{"IceServerList":[{"Uris":["turn:a"],"Username":"u","Password":"p","Ttl":3600}]}`))
	})
	c := s.run(t, func(cfg Config) *Client {
		cfg.Timing.Fresh = time.Hour // so that half of their life is what they are good for
		return NewViewer(cfg)
	})
	first, err := c.ICEServers(t.Context())
	require.NoError(t, err)
	c.ice.mu.Lock()
	c.ice.asked, c.ice.until = c.ice.asked.Add(-50*time.Minute), c.ice.until.Add(-50*time.Minute)
	c.ice.mu.Unlock()
	again, err := c.ICEServers(t.Context())
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.EqualValues(t, 2, asked.Load())
	c.ice.forget()
	_, err = c.ICEServers(t.Context())
	require.ErrorIs(t, err, ErrRefused)
}

func TestPace(t *testing.T) {
	p := pace{rate: 1000}
	for range 100 {
		require.NoError(t, p.wait(t.Context()))
	}
	slow := pace{rate: 0.001, next: time.Now().Add(time.Hour)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, slow.wait(ctx), context.Canceled)
}
