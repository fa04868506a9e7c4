//go:build cgo

package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/update"
	"porchlight/internal/edge/update/fetch"
	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/rollout"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
	"porchlight/models"
)

// device is what of the camera component an update of its model meets: a real
// detector, opened from what the updater installed.
type device struct {
	mu       sync.Mutex
	models   string
	detector *vision.Detector
}

func (d *device) activate(_ context.Context, m update.ModelRef) error {
	store, err := modelstore.New(modelstore.Config{Dir: d.models, Manifest: models.Manifest(), Overlay: m.Overlay})
	if err != nil {
		return err
	}
	fresh, err := vision.Open(store, m.Name, 0.3)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.detector
	d.detector = fresh
	if old != nil {
		return old.Close()
	}
	return nil
}

func (d *device) detect(ctx context.Context, f *event.Frame) ([]event.Detection, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.detector.Detect(ctx, f)
}

func (d *device) healthy(ctx context.Context) error {
	_, err := d.detect(ctx, visiontest.Scene(64, 48))
	return err
}

func (d *device) model() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.detector.Model()
}

// startDevice runs the updater over MQTT as the thing porch.
func startDevice(t *testing.T, cloud *iotCloud, key ed25519.PublicKey) *device {
	t.Helper()
	labels, err := modelstore.ParseManifest(models.Manifest())
	require.NoError(t, err)
	d := &device{models: t.TempDir()}
	require.NoError(t, d.activate(t.Context(), update.ModelRef{}))
	ctx, cancel := context.WithCancel(t.Context())
	u, err := update.New(update.Config{
		Thing: "porch", StateDir: t.TempDir(), Link: cloud.dial(ctx, t), Source: fetch.New(http.DefaultClient, cloud.objects()),
		Log: slog.New(slog.DiscardHandler), PublicKey: key, NoSoftware: "turned off",
		Models: &update.Models{Labels: labels.Labels, Activate: d.activate, Healthy: d.healthy, Detect: d.detect},
	})
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- u.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, d.detector.Close())
	})
	return d
}

// give runs a verb that starts an update and waits for its end.
func give(t *testing.T, args ...string) rollout.Execution {
	t.Helper()
	r := porchlight(t, append([]string{"update"}, args...)...)
	require.Equal(t, 0, r.code, r.stderr)
	job := strings.TrimSpace(r.stdout)
	var e rollout.Execution
	require.Eventually(t, func() bool {
		r = porchlight(t, "update", "status", "--json", job)
		list := lines[rollout.Execution](t, r)
		if r.code != 0 || len(list) != 1 {
			return false
		}
		e = list[0]
		return e.Status != "QUEUED" && e.Status != "IN_PROGRESS"
	}, time.Minute, 20*time.Millisecond, "%s", r.stderr)
	require.Equal(t, "porch", e.Thing)
	r = porchlight(t, "update", "status", job)
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, e.Status)
	return e
}

func TestModelUpdateFromTheOperatorToTheCamera(t *testing.T) {
	cloud := startIoTCloud(t)
	d := startDevice(t, cloud, nil)
	require.True(t, d.detector.Weak())
	dir := syntheticDir(t)
	picture := writePNG(t, filepath.Join(dir, "scene.png"), visiontest.Scene(320, 240, visiontest.Object{Label: "person", X: 0.4, Y: 0.4}))
	garbage(t, dir)
	args := func(model string, more ...string) []string {
		return append([]string{"model", "--models", dir, "--thing", "porch", "--bucket", "parts", model}, more...)
	}

	e := give(t, args("garbage")...)
	require.Equal(t, "FAILED", e.Status)
	require.Contains(t, e.Details["reason"], "rolled back: switch to the new model")
	require.True(t, d.detector.Weak(), "the one before is back")

	e = give(t, args(visiontest.Model, "--probe", picture, "--probe-label", "person")...)
	require.Equal(t, "SUCCEEDED", e.Status, e.Details)
	require.Equal(t, visiontest.Model, d.model())

	e = give(t, args("blind", "--probe", picture, "--probe-label", "car")...)
	require.Equal(t, "FAILED", e.Status)
	require.Contains(t, e.Details["reason"], "does not see in the probe picture what it should: car")
	require.Equal(t, visiontest.Model, d.model())

	// Somebody changes the file in the bucket.
	document := &update.Document{}
	r := porchlight(t, append([]string{"update"}, args("changed", "--dry-run")...)...)
	require.NoError(t, json.Unmarshal([]byte(r.stdout), document), r.stderr)
	key := strings.TrimPrefix(document.Files[1].URL, "s3://parts/")
	bad := strings.Repeat("x", int(document.Model.Files[1].Bytes))
	_, err := cloud.objects().PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String("parts"), Key: &key,
		Body: strings.NewReader(bad), Metadata: map[string]string{"sha256": document.Model.Files[1].SHA256}})
	require.NoError(t, err)
	e = give(t, args("changed")...)
	require.Equal(t, "FAILED", e.Status)
	require.Contains(t, e.Details["reason"], "not the file that was announced")
	require.Equal(t, visiontest.Model, d.model())

	e = give(t, "software", "--thing", "porch", "--bucket", "parts", "--version", "2.0.0", picture)
	require.Equal(t, "REJECTED", e.Status)
	require.Contains(t, e.Details["reason"], "software updates: turned off")
}

func TestSignedUpdateFromTheOperatorToTheCamera(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	cloud := startIoTCloud(t)
	d := startDevice(t, cloud, public)
	dir := syntheticDir(t)
	args := []string{"model", "--models", dir, "--thing", "porch", "--bucket", "parts", visiontest.Model}
	e := give(t, args...)
	require.Equal(t, "REJECTED", e.Status)
	require.Contains(t, e.Details["reason"], "it has no signature")
	e = give(t, append(args, "--sign", file)...)
	require.Equal(t, "SUCCEEDED", e.Status, e.Details)
	require.Equal(t, visiontest.Model, d.model())
}

// garbage adds to a folder's own manifest a network whose hash is right and
// whose bytes are nonsense, and two more that are the synthetic one again.
func garbage(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "manifest.json")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var m modelstore.Manifest
	require.NoError(t, json.Unmarshal(data, &m))
	for _, name := range []string{"garbage", "blind", "changed"} {
		model := m.Models[0]
		model.Name = name
		if name != "blind" {
			weights := filepath.Join(dir, name+".caffemodel")
			require.NoError(t, os.WriteFile(weights, []byte(fmt.Sprintf("%s is not a network", name)), 0o644))
			f, err := rollout.NewFile(weights)
			require.NoError(t, err)
			model.Files = []modelstore.File{model.Files[0], {Name: f.Name, Role: "weights", Bytes: f.Size, SHA256: f.SHA256}}
		}
		m.Models = append(m.Models, model)
	}
	data, err = json.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o644))
}
