package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/iot"
	"porchlight/internal/iot/provision"
	"porchlight/internal/vision/visiontest"
)

// operator runs porchlight with the keys of a machine, as a shell that has
// read its aws.env, and returns the JSON lines.
func (m *machine) operator(args ...string) (lines []map[string]any) {
	m.t.Helper()
	env, err := os.ReadFile(filepath.Join(m.data, "aws.env"))
	require.NoError(m.t, err)
	cmd := exec.CommandContext(m.t.Context(), filepath.Join(root(), "bin", "porchlight"), args...)
	cmd.Env = append(os.Environ(), strings.Fields(string(env))...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(m.t, err, "porchlight %v: %s", args, stderr.String())
	for line := range bytes.Lines(out) {
		var parsed map[string]any
		require.NoError(m.t, json.Unmarshal(line, &parsed), "%s", line)
		lines = append(lines, parsed)
	}
	return lines
}

// sub is who the owner is to the cloud.
func (o owner) sub() string {
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(o.token, claims)
	require.NoError(o.m.t, err)
	return claims["sub"].(string)
}

// A device that has a claim certificate and an endpoint becomes a thing whose
// events its owner reads, and nobody takes its place.
func TestDeviceProvisionsItselfByClaim(t *testing.T) {
	t.Parallel()
	m := boot(t, filepath.Join(t.TempDir(), "data"))
	me := m.signIn()
	box := t.TempDir() // what the device comes with
	made := m.operator("camera", "claim", "--json", "--out", box, "--serial", "pl-007")
	require.Equal(t, true, made[0]["new"])
	again := m.operator("camera", "claim", "--json", "--out", box)
	require.Equal(t, []any{false, made[0]["certificate_id"]}, []any{again[0]["new"], again[0]["certificate_id"]})
	allowed := m.operator("camera", "allow", "--json", "--owner", me.sub(), "pl-007=porch", "pl-008")
	require.Len(t, allowed, 2)

	// Its installer adds the camera, and nothing about the cloud.
	models := t.TempDir()
	_, err := visiontest.WriteSyntheticSSD(models)
	require.NoError(t, err)
	file := filepath.Join(box, "porchlight.yaml")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	text = append(text, "detector: {model: "+visiontest.Model+", models: "+models+"}\ncameras:\n  door: {source: "+redClip(t)+", loop: true, quiet: 2s}\n"...)
	require.NoError(t, os.WriteFile(file, text, 0o600))

	stop := runCamera(t, file)
	await(t, "an event of the new thing, with its picture", func() bool {
		for _, e := range me.events() {
			url, _ := e["thumbnail_url"].(string)
			if e["camera"] != "porch.door" || url == "" {
				continue
			}
			resp, err := http.Get(url) //nolint:gosec // our own address
			require.NoError(t, err)
			resp.Body.Close()
			return resp.StatusCode == http.StatusOK // uploaded with the role's credentials
		}
		return false
	})
	stop()

	t.Run("switched on again it is who it was", func(t *testing.T) {
		before := m.operator("camera", "serials", "--json")
		cfg, err := config.Load(file)
		require.NoError(t, err)
		id, err := provision.Ensure(t.Context(), deviceOf(cfg, filepath.Join(cfg.StateDir, "identity"), slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		require.Equal(t, "porch", id.Thing)
		require.Equal(t, before, m.operator("camera", "serials", "--json"))
	})
	t.Run("another device with its serial is refused", func(t *testing.T) {
		cfg, err := config.Load(file)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		log := &watch{word: "porchlight camera allow pl-007", found: cancel}
		_, err = provision.Ensure(ctx, deviceOf(cfg, t.TempDir(), slog.New(slog.NewTextHandler(log, nil))))
		require.ErrorIs(t, err, context.Canceled, log.String())
		require.Contains(t, log.String(), "not allowed")
		serials := m.operator("camera", "serials", "--json")
		require.Equal(t, []any{"pl-007", 1.0}, []any{serials[0]["serial"], serials[0]["refused"]})

		m.operator("camera", "allow", "--json", "--again", "pl-007")
		id, err := provision.Ensure(t.Context(), deviceOf(cfg, t.TempDir(), slog.New(slog.DiscardHandler)))
		require.NoError(t, err, "after a factory reset that the operator knows of")
		require.Equal(t, "porch", id.Thing)
	})
	t.Run("a serial that is forgotten is allowed no more", func(t *testing.T) {
		m.operator("camera", "serials", "forget", "--json", "pl-008")
		require.Len(t, m.operator("camera", "serials", "list", "--json"), 1)
	})
}

func deviceOf(cfg *config.Config, dir string, log *slog.Logger) provision.Config {
	return provision.Config{
		Dir: dir, Endpoint: cfg.IoT.Endpoint, CA: cfg.IoT.CA, Template: cfg.Provisioning.Template,
		ClaimCertificate: cfg.Provisioning.ClaimCertificate, ClaimKey: cfg.Provisioning.ClaimKey, Serial: "pl-007", Log: log,
	}
}

// watch is a log that tells of a word.
type watch struct {
	word  string
	found func()

	mu   sync.Mutex
	text bytes.Buffer
}

func (w *watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if bytes.Contains(p, []byte(w.word)) {
		w.found()
	}
	return w.text.Write(p)
}

func (w *watch) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// runCamera runs the component until stop, or the end of the test.
func runCamera(t *testing.T, file string) (stop func()) {
	t.Helper()
	cmd := exec.Command(filepath.Join(root(), "bin", "camera"), "-config", file)
	var log bytes.Buffer
	cmd.Stderr = &log
	require.NoError(t, cmd.Start())
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("camera: %v\n%s", err, log.String())
		}
	}
	t.Cleanup(stop)
	return stop
}

// The files of camera add are all that a device needs to tell its owner.
func TestCameraAddedByHand(t *testing.T) {
	t.Parallel()
	// Not the address that every certificate of the broker names.
	m := boot(t, filepath.Join(t.TempDir(), "data"), "--mqtt", "127.0.0.2:0", "--credentials", "127.0.0.2:0")
	me := m.signIn()
	dir := t.TempDir()
	args := []string{"camera", "add", "--json", "--owner", me.sub(), "--out", dir, "--camera", "door=rtsp://192.0.2.7/sub", "side"}
	first, second := m.operator(args...), m.operator(args...)
	require.Equal(t, true, first[0]["new"])
	first[0]["new"] = false
	require.Equal(t, first, second)

	cfg, err := config.Load(filepath.Join(dir, "porchlight.yaml"))
	require.NoError(t, err)
	require.Equal(t, "side", cfg.Thing)
	identity, err := iot.LoadIdentity(cfg.IoT.Certificate, cfg.IoT.PrivateKey, cfg.IoT.CA)
	require.NoError(t, err)
	role, err := iot.Credentials(iot.CredentialsConfig{Endpoint: cfg.IoT.CredentialsEndpoint, RoleAlias: cfg.IoT.RoleAlias, Thing: cfg.Thing, TLS: identity})
	require.NoError(t, err)
	_, err = role.Retrieve(t.Context())
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	client, err := iot.Connect(ctx, iot.ClientConfig{
		Endpoint: cfg.IoT.Endpoint, ClientID: cfg.Thing, TLS: identity, Log: slog.New(slog.DiscardHandler), NewSession: func() string { return event.NewID(time.Now()) },
	})
	require.NoError(t, err)
	defer client.Wait()
	defer cancel()
	now := event.At(time.Now())
	e := &event.Event{
		EventID: event.NewID(now.Time), Sequence: 1, State: event.Started, Camera: "side.door", StartedAt: now, UpdatedAt: now,
		Labels: map[string]float64{"person": 0.9}, Score: 0.9, Model: "yolox-nano",
	}
	payload, err := e.Marshal()
	require.NoError(t, err)
	require.NoError(t, client.Publish(ctx, event.Topic("side", event.ChannelEvents), payload))
	await(t, "the event at the API", func() bool {
		status, body := me.get("/v1/events/" + e.EventID)
		return status == http.StatusOK && body["camera"] == "side.door"
	})
}
