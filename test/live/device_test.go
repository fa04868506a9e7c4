package live

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"

	"porchlight/internal/capture/simulator"
	"porchlight/internal/config"
	"porchlight/internal/edge"
	"porchlight/internal/edge/update"
	"porchlight/internal/event"
	"porchlight/internal/iot/iottest"
	"porchlight/internal/logtest"
)

// nothing finds nothing.
type nothing struct{}

func (nothing) Close() error                                                    { return nil }
func (nothing) Detect(context.Context, *event.Frame) ([]event.Detection, error) { return nil, nil }

// device is the whole component, with a broker and a cloud around it.
type device struct {
	t       *testing.T
	broker  *iottest.Broker
	log     *logtest.Memory
	tree    map[string]any
	changes chan map[string]any
	cancel  context.CancelFunc
	ended   chan error

	mu     sync.Mutex
	status event.Status
}

// newDevice runs a device with these cameras, until the test ends.
func newDevice(t *testing.T, c *cloud, cameras map[string]any) *device {
	t.Helper()
	d := &device{t: t, broker: iottest.New(t, nil), log: &logtest.Memory{}, changes: make(chan map[string]any, 1), ended: make(chan error, 1)}
	d.broker.Arrived = d.take
	d.broker.Up()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys, err := c.credentials().Retrieve(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"credentials": map[string]string{
			"accessKeyId": keys.AccessKeyID, "secretAccessKey": keys.SecretAccessKey, "sessionToken": keys.SessionToken,
			"expiration": "2090-01-01T00:00:00Z",
		}})
	}))
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{d.broker.Issue("127.0.0.1", nil)}, MinVersion: tls.VersionTLS12}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	certificate, key, ca := d.broker.Files(d.broker.Issue("home", nil))
	d.tree = map[string]any{
		"thing": "home", "state_dir": filepath.Join(t.TempDir(), "state"),
		"iot": map[string]any{
			"endpoint": d.broker.Addr(), "credentials_endpoint": strings.TrimPrefix(secure.URL, "https://"), "role_alias": "device",
			"certificate": certificate, "private_key": key, "ca": ca,
		},
		"cloud":   map[string]any{"region": region, "endpoint": c.server.URL, "thumbnail_bucket": "pictures"},
		"cameras": cameras,
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	go func() {
		d.ended <- edge.Run(ctx, edge.Options{
			Version: "1", Log: d.log.Logger(), Watch: d.watch,
			Open: func(*config.Config, update.ModelRef) (*edge.Eyes, error) {
				return &edge.Eyes{Detector: nothing{}, Info: event.Detector{Model: "none"}}, nil
			},
		})
	}()
	t.Cleanup(d.end)
	return d
}

func (d *device) end() {
	d.cancel()
	if err, open := <-d.ended; open {
		require.NoError(d.t, err)
		close(d.ended)
	}
}

func (d *device) watch(ctx context.Context, use func(map[string]any) error) error {
	if err := use(d.tree); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case tree := <-d.changes:
			if err := use(tree); err != nil {
				return err
			}
		}
	}
}

// change sets another key of a camera.
func (d *device) change(name, key string, value any) {
	next, cameras := maps.Clone(d.tree), maps.Clone(d.tree["cameras"].(map[string]any))
	one := maps.Clone(cameras[name].(map[string]any))
	one[key] = value
	cameras[name], next["cameras"] = one, cameras
	d.tree = next
	d.changes <- next
}

func (d *device) take(m iottest.Message) packets.Code {
	if _, channel, err := event.SplitTopic(m.Topic); err == nil && channel == event.ChannelStatus {
		if s, err := event.ParseStatus(m.Payload); err == nil {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.status = *s
		}
	}
	return packets.CodeSuccess
}

// is waits until a camera is in a state.
func (d *device) is(camera string, want event.CameraState) {
	d.t.Helper()
	eventually(d.t, camera+" is never "+string(want), func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, c := range d.status.Cameras {
			if c.Camera == camera && c.State == want {
				return true
			}
		}
		return false
	})
}

// newCamera is a camera with a keyframe each second, of a size.
func newCamera(t *testing.T, size string) *simulator.Camera {
	t.Helper()
	needFFmpeg(t)
	file := filepath.Join(t.TempDir(), "scene.mkv")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s="+size+":r=10:d=4",
		"-c:v", "libx264", "-crf", "10", "-pix_fmt", "yuv420p", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	camera, err := simulator.New(t.Context(), simulator.Config{File: file, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(camera.Close)
	return camera
}

func needFFmpeg(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: make deps installs it")
	}
}

// decode returns the pictures of a video in gray, scaled to w x h pixels.
func decode(t *testing.T, video []byte) (pictures [][]byte) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "fatal", "-f", "h264", "-i", "-", "-fps_mode", "passthrough",
		"-vf", "scale=16:9:flags=area,format=gray", "-f", "rawvideo", "-")
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout = bytes.NewReader(video), &out
	require.NoError(t, cmd.Run())
	for raw := out.Bytes(); len(raw) >= 16*9; raw = raw[16*9:] {
		pictures = append(pictures, raw[:16*9])
	}
	return pictures
}
