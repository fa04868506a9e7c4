package iot_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
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
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"

	"porchlight/internal/iot"
	"porchlight/internal/iot/iottest"
)

// verify recomputes a signature from what IoT Core documents, not from what a
// signer does: every parameter but the signature and the token is signed, in
// the order of its name, and so is the host.
func verify(r *http.Request, secret, region string) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	raw := strings.Split(r.URL.RawQuery, "&")
	if q.Get("X-Amz-Security-Token") != "" && !strings.HasPrefix(raw[len(raw)-1], "X-Amz-Security-Token=") {
		return errors.New("the token must come last")
	}
	day := time.Now().UTC().Format("20060102")
	at, err := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
	if err != nil || time.Since(at).Abs() > 5*time.Minute {
		return fmt.Errorf("date %q: %w", q.Get("X-Amz-Date"), err)
	}
	key, scope, _ := strings.Cut(q.Get("X-Amz-Credential"), "/")
	if key != "AKID" || scope != day+"/"+region+"/iotdevicegateway/aws4_request" {
		return fmt.Errorf("credential %s/%s", key, scope)
	}
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	canonical := "GET\n/mqtt\n" +
		"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + escape(key+"/"+scope) +
		"&X-Amz-Date=" + q.Get("X-Amz-Date") + "&X-Amz-SignedHeaders=host\n" +
		"host:" + r.Host + "\n\nhost\n" + hash("")
	text := "AWS4-HMAC-SHA256\n" + q.Get("X-Amz-Date") + "\n" + scope + "\n" + hash(canonical)
	mac := []byte("AWS4" + secret)
	for _, part := range []string{day, region, "iotdevicegateway", "aws4_request", text} {
		h := hmac.New(sha256.New, mac)
		_, _ = io.WriteString(h, part)
		mac = h.Sum(nil)
	}
	if want := hex.EncodeToString(mac); q.Get("X-Amz-Signature") != want {
		return fmt.Errorf("signature %s, want %s of\n%s", q.Get("X-Amz-Signature"), want, canonical)
	}
	return nil
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// gateway serves MQTT by WebSocket to those whose signature is right.
type gateway struct {
	*httptest.Server
	denied atomic.Int32
	tokens chan string
}

func newGateway(t *testing.T, b *iottest.Broker) *gateway {
	t.Helper()
	g := &gateway{tokens: make(chan string, 100)}
	var conns sync.WaitGroup
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := verify(r, "SECRET", "eu-west-1"); err != nil {
			g.denied.Add(1)
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		g.tokens <- r.URL.Query().Get("X-Amz-Security-Token")
		upgrader := websocket.Upgrader{Subprotocols: []string{"mqtt"}}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		conns.Go(func() {
			defer conn.Close()
			b.Establish(&serverSocket{Conn: conn})
		})
	}))
	g.TLS = &tls.Config{Certificates: []tls.Certificate{b.Issue("localhost", nil)}, MinVersion: tls.VersionTLS12}
	g.StartTLS()
	t.Cleanup(func() { g.Close(); b.Down(); conns.Wait() })
	return g
}

// serverSocket gives the broker a stream of bytes.
type serverSocket struct {
	*websocket.Conn
	rest []byte
	mu   sync.Mutex
}

func (s *serverSocket) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		_, m, err := s.ReadMessage()
		if err != nil {
			return 0, err
		}
		s.rest = m
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *serverSocket) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(p), s.WriteMessage(websocket.BinaryMessage, p)
}

func (s *serverSocket) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }

var _ net.Conn = (*serverSocket)(nil)

// rotating hands out credentials that are other ones each time.
type rotating struct {
	secret string
	err    error
	times  atomic.Int32
}

func (r *rotating) Retrieve(context.Context) (aws.Credentials, error) {
	token := fmt.Sprintf("to/k+e=n%d", r.times.Add(1))
	return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: r.secret, SessionToken: token}, r.err
}

func overWebSocket(g *gateway, p aws.CredentialsProvider) func(*iot.ClientConfig) {
	return func(cfg *iot.ClientConfig) {
		cfg.Endpoint = g.Listener.Addr().String()
		cfg.TLS.Certificates = nil
		cfg.WebSocket = &iot.WebSocket{Credentials: p, Region: "eu-west-1"}
	}
}

func TestWebSocketIsSignedAnewForEveryConnection(t *testing.T) {
	b := iottest.New(t, nil)
	got := make(chan iottest.Message, 10)
	b.Arrived = func(m iottest.Message) packets.Code { got <- m; return packets.CodeSuccess }
	b.Up()
	g := newGateway(t, b)
	c := connect(t, b, overWebSocket(g, &rotating{secret: "SECRET"}))
	commands := subscribe(t.Context(), c, "commands")
	next(t, commands.ready)
	require.Equal(t, "to/k+e=n1", next(t, g.tokens))
	large := strings.Repeat("x", iot.MaxPayload)
	require.NoError(t, publish(t, c, "events", large))
	require.Equal(t, large, string(next(t, got).Payload))
	b.Send("commands", []byte(large))
	require.Equal(t, "commands="+large, next(t, commands.messages))

	b.Down()
	b.Up()
	next(t, commands.ready)
	token := next(t, g.tokens)
	for len(g.tokens) > 0 {
		token = next(t, g.tokens)
	}
	require.NotEqual(t, "to/k+e=n1", token)
	require.Zero(t, g.denied.Load())
}

func TestWebSocketThatIsRefused(t *testing.T) {
	b := iottest.New(t, nil)
	b.Up()
	g := newGateway(t, b)
	err := trouble(t, b, overWebSocket(g, &rotating{secret: "WRONG"}))
	require.ErrorIs(t, err, iot.ErrSignature)
	require.ErrorContains(t, err, "403")
	require.ErrorContains(t, err, "and the clock (it says ")
	require.Positive(t, g.denied.Load())

	err = trouble(t, b, overWebSocket(g, &rotating{err: errors.New("no role")}))
	require.ErrorIs(t, err, iot.ErrSignature)
	require.ErrorContains(t, err, "no role")

	plain := httptest.NewUnstartedServer(http.NotFoundHandler())
	plain.TLS = g.TLS.Clone()
	plain.StartTLS()
	t.Cleanup(plain.Close)
	err = trouble(t, b, overWebSocket(&gateway{Server: plain}, &rotating{secret: "SECRET"}))
	require.ErrorIs(t, err, iot.ErrUnreachable)
	require.ErrorContains(t, err, "404")
}

// On port 443 IoT Core knows MQTT by its ALPN, on others it needs none.
func TestALPN(t *testing.T) {
	b := iottest.New(t, nil)
	b.Up()
	c := connect(t, b, nil)
	eventually(t, func() bool { return c.Stats().Connected }, "it connects")
	require.Equal(t, []string{""}, b.ALPN())
	c = connect(t, b, func(cfg *iot.ClientConfig) { cfg.As443(b.Addr()); cfg.ClientID = "second" })
	eventually(t, func() bool { return c.Stats().Connected }, "it connects")
	require.Equal(t, []string{"", "x-amzn-mqtt-ca"}, b.ALPN())

	// WebSockets are HTTPS there, and the usual port is not part of what is signed.
	g := newGateway(t, b)
	c = connect(t, b, func(cfg *iot.ClientConfig) {
		overWebSocket(g, &rotating{secret: "SECRET"})(cfg)
		cfg.As443(g.Listener.Addr().String())
		cfg.ClientID = "third"
	})
	eventually(t, func() bool { return c.Stats().Connected }, "it connects")
	require.Zero(t, g.denied.Load())
}
