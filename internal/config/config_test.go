package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
)

const good = `
thing: home
state_dir: /var/lib/porchlight
iot:
  endpoint: 127.0.0.1:8883
  credentials_endpoint: 127.0.0.1:8443
  role_alias: porchlight
  certificate: cert.pem
  private_key: key.pem
cloud: {thumbnail_bucket: thumbs}
cameras:
  front-door:
    source: rtsp://192.0.2.7/stream
`

func TestDefaults(t *testing.T) {
	c, err := config.Parse([]byte(good))
	require.NoError(t, err)
	require.Equal(t, 0.5, c.Detector.MinScore)
	require.Equal(t, "us-east-1", c.Cloud.Region)
	require.Equal(t, int64(64<<20), c.Spool.MaxBytes)
	require.Equal(t, 5.0, c.Cameras["front-door"].FPS)
	require.Contains(t, c.Cameras["front-door"].Labels, "person")
}

func TestScalarsMayBeStrings(t *testing.T) {
	c, err := config.Parse([]byte(strings.Replace(good, "cameras:", `detector: {min_score: "0.6", threads: "2.0"}
spool: {max_bytes: "2MB", max_age: "48h"}
cameras:`, 1) + `    fps: "2"
    loop: "true"
    labels: [person, "cat"]
`))
	require.NoError(t, err)
	require.Equal(t, config.Detector{MinScore: 0.6, Threads: 2}, c.Detector)
	require.Equal(t, config.Spool{MaxBytes: 2 << 20, MaxAge: 48 * time.Hour}, c.Spool)
	door := c.Cameras["front-door"]
	require.Equal(t, 2.0, door.FPS)
	require.True(t, door.Loop)
	require.Equal(t, []string{"person", "cat"}, door.Labels)
}

func TestErrorsNameThePath(t *testing.T) {
	for edit, want := range map[string]string{
		"thing: a.b":                            "thing:",
		"detecter: {}":                          "detecter: unknown key; the keys here are cameras, client_frames, cloud, detector",
		"detector: {min_scor: 1}":               "detector.min_scor: unknown key",
		"detector: {min_score: high}":           "detector.min_score: high: want a number",
		"detector: {min_score: 1.5}":            "detector.min_score: 1.5: want more than 0",
		"detector: {threads: 1.5}":              "detector.threads: 1.5: want a whole number",
		"detector: 5":                           "detector: 5: want a section",
		"spool: {max_age: soon}":                "spool.max_age: soon: want a duration",
		"spool: {max_bytes: 1KB}":               "spool.max_bytes",
		"state_dir: [a]":                        "state_dir: [a]: want a text",
		"cameras: {x: {fps: 5}}":                "cameras.x.source: missing",
		"cameras: {x: {source: a, fps: 0}}":     "cameras.x.fps: 0: want",
		"cameras: {x: {source: a, loop: 7}}":    "cameras.x.loop: 7: want true or false",
		"cameras: {x: {source: a, labels: p}}":  "cameras.x.labels: p: want a list",
		"cameras: {x: {sauce: a}}":              "cameras.x.sauce: unknown key",
		"cameras: {x y: {source: a}}":           "cameras.x y:",
		"cameras: {x: rtsp://a}":                "cameras.x: want a section",
		"cameras: {x: {source: a, quiet: 1ms}}": "cameras.x.quiet",
	} {
		t.Run(edit, func(t *testing.T) {
			key, _, _ := strings.Cut(edit, ":")
			var kept []string
			skip := false
			for _, line := range strings.Split(good, "\n") {
				if !strings.HasPrefix(line, " ") {
					skip = strings.HasPrefix(line, key+":")
				}
				if !skip {
					kept = append(kept, line)
				}
			}
			_, err := config.Parse([]byte(strings.Join(kept, "\n") + "\n" + edit + "\n"))
			require.ErrorIs(t, err, config.ErrInvalid)
			require.ErrorContains(t, err, want)
		})
	}
}

func TestLoad(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"))
	require.ErrorIs(t, err, os.ErrNotExist)
	file := filepath.Join(t.TempDir(), "porchlight.yaml")
	require.NoError(t, os.WriteFile(file, []byte("a: [1"), 0o600))
	_, err = config.Load(file)
	require.ErrorContains(t, err, file)
	require.ErrorIs(t, err, config.ErrInvalid)
}

// Only a component that runs on its own connects itself.
func TestIoTIsForStandalone(t *testing.T) {
	head, rest, _ := strings.Cut(good, "iot:")
	_, rest, _ = strings.Cut(rest, "cloud:")
	for edit, want := range map[string]string{
		"": "iot.endpoint: \"\": want host:port",
		"iot: {endpoint: a, credentials_endpoint: 'b:2', role_alias: r, certificate: c, private_key: k}":     "iot.endpoint: \"a\": want host:port",
		"iot: {endpoint: 'a:1', credentials_endpoint: b, role_alias: r, certificate: c, private_key: k}":     "iot.credentials_endpoint",
		"iot: {endpoint: 'a:1', credentials_endpoint: 'b:2', certificate: c, private_key: k}":                "iot.role_alias: missing",
		"iot: {endpoint: 'a:1', credentials_endpoint: 'b:2', role_alias: r, private_key: k}":                 "iot.certificate: missing",
		"iot: {endpoint: 'a:1', credentials_endpoint: 'b:2', role_alias: r, certificate: c}":                 "iot.private_key: missing",
		"iot: {endpoint: 'a:1', credentials_endpoint: 'b:2', role_alias: r, certificate: c, private_key: k}": "",
	} {
		text := head + edit + "\ncloud:" + rest
		c, err := config.Parse([]byte(text))
		require.NoError(t, err, edit)
		file := filepath.Join(t.TempDir(), "porchlight.yaml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, loaded := config.Load(file)
		if want == "" {
			require.NoError(t, c.CheckIoT())
			require.NoError(t, loaded)
			continue
		}
		require.ErrorIs(t, c.CheckIoT(), config.ErrInvalid)
		require.ErrorContains(t, c.CheckIoT(), want)
		require.ErrorContains(t, loaded, want)
	}
}

func TestKeys(t *testing.T) {
	require.Contains(t, config.Keys(), "cameras")
	require.Contains(t, config.Keys(), "state_dir")
	require.Contains(t, config.CameraKeys(), "privacy_masks")
}

func TestErrorsHoldNoPasswords(t *testing.T) {
	for _, text := range []string{
		"cameras:\n  x:\n    source: rtsp://me:secret@192.0.2.7/a\n  y: [\n",
		"cameras:\n  x:\n    source: \"rtsp://me:secret@192.0.2.7/a\n",
		"cameras: {x: {source: [\"rtsp://me:secret@192.0.2.7/a\"]}}",
		"cameras: {x: {source: a, fps: \"rtsp://me:se/cr@et@192.0.2.7/a\"}}",
		"cameras: [rtsp://me:secret@192.0.2.7/a]",
	} {
		_, err := config.Parse([]byte(text))
		require.ErrorIs(t, err, config.ErrInvalid, text)
		require.NotContains(t, err.Error(), "secret")
		require.NotContains(t, err.Error(), "se/cr")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(full))
	f.Add([]byte("cameras: {a: {fps: 1e400}}"))
	f.Add([]byte("&a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse(data)
		if (c == nil) == (err == nil) {
			t.Fatal("want either a configuration or an error")
		}
		camera, err := config.ParseCamera(data)
		if err != nil {
			if !errors.Is(err, config.ErrInvalid) {
				t.Fatalf("%v is not ErrInvalid", err)
			}
			return
		}
		if len(camera.Labels) == 0 || !(camera.FPS > 0) {
			t.Fatalf("a camera without labels or speed: %+v", camera)
		}
		masks := append(camera.PrivacyMasks, camera.Motion.Masks...)
		for _, zone := range camera.Zones {
			masks = append(masks, zone.Polygon)
		}
		for _, mask := range masks {
			if err := mask.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
