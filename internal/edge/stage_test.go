package edge

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/edge/update"
	"porchlight/internal/event"
	"porchlight/internal/logtest"
)

const patience = 30 * time.Second // only ever reached by a failing test

// redDetector finds what is red and calls it a person.
type redDetector struct{}

func (redDetector) Close() error { return nil }

func (redDetector) Detect(_ context.Context, f *event.Frame) ([]event.Detection, error) {
	x0, y0, x1, y1 := f.Width, f.Height, 0, 0
	for y := range f.Height {
		for x := range f.Width {
			if p := f.Pix[(y*f.Width+x)*3:]; p[2] > 200 && p[0] < 50 {
				x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x+1), max(y1, y+1)
			}
		}
	}
	if x1 == 0 {
		return nil, nil
	}
	w, h := float64(f.Width), float64(f.Height)
	return []event.Detection{{Label: "person", Score: 0.9, Box: event.Box{
		X0: float64(x0) / w, Y0: float64(y0) / h, X1: float64(x1) / w, Y1: float64(y1) / h,
	}}}, nil
}

// walkClip is a film of five seconds in which somebody red walks through, from
// the first second to the fourth.
func walkClip(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: make deps installs it")
	}
	file := filepath.Join(t.TempDir(), "walk.mkv")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-y",
		"-f", "lavfi", "-i", "color=c=0x808080:s=160x90:r=10:d=5,format=gbrp", "-f", "lavfi", "-i", "color=c=0xff0000:s=24x48:r=10:d=5,format=gbrp",
		"-filter_complex", `[0][1]overlay=x='if(between(t,1,4),(t-1)*45,-200)':y=30:eval=frame:format=gbrp`,
		"-c:v", "libx264rgb", "-qp", "0", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return file
}

func watching(source string) config.Camera {
	c := config.CameraDefaults()
	c.Source, c.FPS, c.Quiet = source, 10, time.Second
	return c
}

// memory keeps what was logged.
type memory struct{ logtest.Memory }

// find waits for a line and returns the first group of the pattern in it.
func (m *memory) find(t *testing.T, pattern string) string {
	t.Helper()
	var found []string
	require.Eventually(t, func() bool {
		found = regexp.MustCompile(pattern).FindStringSubmatch(m.String())
		return found != nil
	}, patience, 10*time.Millisecond, "nobody logged %s", pattern)
	return found[len(found)-1]
}

// gathering keeps the states of events.
type gathering struct {
	mu     sync.Mutex
	states []event.Event
}

func (g *gathering) add(e event.Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.states = append(g.states, e)
}

func (g *gathering) all() []event.Event {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.states)
}

// backend is a broker, a credentials provider and a bucket.
type backend struct {
	*cloud
	config  *config.Config
	changes chan *config.Config
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{cloud: newCloud()}
	b.goOnline()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"credentials":{"accessKeyId":"A","secretAccessKey":"S","sessionToken":"T","expiration":"2090-01-01T00:00:00Z"}}`))
	}))
	t.Cleanup(secure.Close)
	objects := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = b.Upload(r.Context(), r.URL.Path, nil)
	}))
	t.Cleanup(objects.Close)

	dir, pair := t.TempDir(), secure.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return file
	}
	certificate := write("cert.pem", "CERTIFICATE", pair.Certificate[0])
	b.config = &config.Config{
		Thing: "home", StateDir: filepath.Join(dir, "state"), Detector: config.Detector{MinScore: 0.5},
		IoT: config.IoT{
			Endpoint: b.listen(t, pair), CredentialsEndpoint: strings.TrimPrefix(secure.URL, "https://"), RoleAlias: "alias",
			Certificate: certificate, PrivateKey: write("key.pem", "PRIVATE KEY", key), CA: certificate,
		},
		Cloud:   config.Cloud{Region: "us-east-1", Endpoint: objects.URL, ThumbnailBucket: "pictures"},
		Spool:   config.Spool{MaxBytes: 1 << 20, MaxAge: time.Hour},
		Cameras: map[string]config.Camera{},
	}
	return b
}

// agent returns an agent with the backend's configuration.
func (b *backend) agent(opts Options) *agent {
	b.changes = make(chan *config.Config, 1)
	b.changes <- b.config
	return &agent{Options: opts, changes: b.changes, ask: func(map[string]any) (map[string]any, map[string]string) { return nil, nil }}
}

func openRed(*config.Config, update.ModelRef) (*Eyes, error) {
	return &Eyes{Detector: redDetector{}, Info: event.Detector{Model: "red"}}, nil
}

// listen starts an MQTT broker that takes whatever comes.
func (b *backend) listen(t *testing.T, pair tls.Certificate) string {
	t.Helper()
	broker := mqtt.New(&mqtt.Options{InlineClient: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, broker.AddHook(new(auth.AllowHook), nil))
	port := listeners.NewTCP(listeners.Config{
		ID: "mqtt", Address: "127.0.0.1:0", TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
	})
	require.NoError(t, broker.AddListener(port))
	require.NoError(t, broker.Serve())
	t.Cleanup(func() { broker.Close() })
	require.NoError(t, broker.Subscribe(event.TopicPrefix+"/#", 1, func(_ *mqtt.Client, _ packets.Subscription, p packets.Packet) {
		_ = b.Publish(t.Context(), p.TopicName, p.Payload)
	}))
	return port.Address()
}

// states returns what each camera was said to be, in order.
func (b *backend) said(camera string) (states []event.CameraState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.status {
		for _, c := range s.Cameras {
			if c.Camera == camera {
				states = append(states, c.State)
			}
		}
	}
	return states
}

// forbidden is the address of a source that must not be opened.
func forbidden(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			t.Error("the source was opened")
			c.Close()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	return "rtsp://" + listener.Addr().String() + "/window"
}
