//go:build cgo

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image/jpeg"
	"image/png"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/vision/visiontest"
)

// syntheticDir is a model directory with the synthetic network, and pictures.
func syntheticDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	_, err := visiontest.WriteSyntheticSSD(dir)
	require.NoError(t, err)
	return dir
}

func writePNG(t *testing.T, path string, f *event.Frame) string {
	t.Helper()
	var buf bytes.Buffer
	require.NoError(t, png.Encode(&buf, f))
	require.NoError(t, os.WriteFile(path, buf.Bytes(), 0o644))
	return path
}

func TestDetectPrintsBoxesInPixels(t *testing.T) {
	dir := syntheticDir(t)
	scene := writePNG(t, filepath.Join(dir, "scene.png"), visiontest.Scene(640, 480,
		visiontest.Object{Label: "person", X: 0.15, Y: 0.25}, visiontest.Object{Label: "car", X: 0.8, Y: 0.8}))
	r := porchlight(t, "detect", "--json", "--models", dir, "--model", visiontest.Model, scene)
	require.Equal(t, 0, r.code, r.stderr)
	require.Empty(t, r.stderr)
	want := map[string][4]float64{"person": {96, 120, 224, 216}, "car": {512, 384, 640, 480}}
	for _, l := range lines[detectLine](t, r) {
		require.Equal(t, scene, l.File)
		require.Equal(t, [3]int64{0, 640, 480}, [3]int64{l.Frame, int64(l.Width), int64(l.Height)})
		require.Greater(t, l.Score, 0.9)
		for i := range l.Box {
			require.InDelta(t, want[l.Label][i], l.Box[i], 0.01)
		}
		delete(want, l.Label)
	}
	require.Empty(t, want)

	r = porchlight(t, "detect", "--models", dir, "--model", visiontest.Model, scene)
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, strings.Join(strings.Fields(r.stdout), " "), scene+" 0 person 0.95 96 120 224 216")

	r = porchlight(t, "detect", "--json", "--min-score", "0.99", "--models", dir, "--model", visiontest.Model, scene)
	require.Equal(t, 0, r.code, r.stderr)
	require.Empty(t, r.stdout)
}

func TestDetectReportsBadFilesAndDoesTheOthers(t *testing.T) {
	dir := syntheticDir(t)
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o644))
		return path
	}
	scene := visiontest.Scene(320, 240, visiontest.Object{Label: "dog", X: 0.4, Y: 0.4})
	var whole bytes.Buffer
	require.NoError(t, jpeg.Encode(&whole, scene, nil))
	bad := []string{
		filepath.Join(dir, "absent.jpg"),
		dir,
		write("empty.jpg", nil),
		write("cut.jpg", whole.Bytes()[:whole.Len()-30]),
		write("notes.txt", []byte("no picture")),
	}
	good := writePNG(t, filepath.Join(dir, "good.png"), scene)
	r := porchlight(t, append([]string{"detect", "--json", "--models", dir, "--model", visiontest.Model}, append(bad, good)...)...)
	require.Equal(t, 1, r.code)
	found := lines[detectLine](t, r)
	require.Len(t, found, 1)
	require.Equal(t, good, found[0].File)
	said := strings.Split(strings.TrimSpace(r.stderr), "\n")
	require.Len(t, said, len(bad)+1)
	for i, path := range bad {
		require.Contains(t, said[i], path)
	}
	require.Contains(t, said[len(bad)], "5 of 6 files")
}

func TestDetectSaysWhichModelIsWrong(t *testing.T) {
	dir := syntheticDir(t)
	scene := writePNG(t, filepath.Join(dir, "scene.png"), visiontest.Scene(64, 48))
	r := porchlight(t, "detect", "--models", dir, "--model", "yolox-nano", scene)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "porchlight models pull yolox-nano")

	r = porchlight(t, "detect", "--models", dir, "--model", "resnet", scene)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "yolox-nano")

	weights := filepath.Join(dir, "synthetic_ssd.caffemodel")
	require.NoError(t, os.Truncate(weights, 100))
	r = porchlight(t, "detect", "--models", dir, "--model", visiontest.Model, scene)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, weights)
	require.Contains(t, r.stderr, "cut short")
}

func TestDetectStopsWhenInterrupted(t *testing.T) {
	dir := syntheticDir(t)
	scene := writePNG(t, filepath.Join(dir, "scene.png"), visiontest.Scene(64, 48))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"detect", "--models", dir, "--model", visiontest.Model, scene, scene},
		&Streams{Stdout: &stdout, Stderr: &stderr, Log: slog.New(slog.DiscardHandler)})
	require.Equal(t, 1, code)
	require.Equal(t, "porchlight: context canceled\n", stderr.String())
}

func TestDetectAnnouncesTheWeakDetector(t *testing.T) {
	dir := t.TempDir()
	r := porchlight(t, "detect", "--json", "--models", dir, writePNG(t, filepath.Join(dir, "scene.png"), visiontest.Scene(200, 200)))
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stderr, "weak")
	require.Contains(t, r.stderr, "porchlight models pull")
	require.Empty(t, r.stdout)
}

// Every detection above 0.5, of this program or of the independent
// evaluation, is one of the other's too.
func TestDetectAgreesWithTheOracle(t *testing.T) {
	var oracle struct {
		Images []struct {
			Image string
			Boxes []struct {
				Cls   string
				Score float64
				Box   [4]float64
			}
		}
	}
	data, err := os.ReadFile(visiontest.TestData(t, "oracle", "yolox_nano.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &oracle))
	args := []string{"detect", "--json", "--models", visiontest.TestData(t, "models")}
	for _, img := range oracle.Images {
		args = append(args, visiontest.TestData(t, img.Image))
	}
	r := porchlight(t, args...)
	require.Equal(t, 0, r.code, r.stderr)
	found := map[string][]detectLine{}
	for _, l := range lines[detectLine](t, r) {
		if l.Score > 0.5 {
			found[l.File] = append(found[l.File], l)
		}
	}
	near := func(got detectLine, want [4]float64) bool { // which is not clipped to the frame
		w, h := float64(got.Width), float64(got.Height)
		for i, limit := range []float64{w, h, w, h} {
			if math.Abs(got.Box[i]-min(max(want[i], 0), limit)) > 0.1 {
				return false
			}
		}
		return true
	}
	for _, img := range oracle.Images {
		list := found[visiontest.TestData(t, img.Image)]
		wanted := 0
		for _, want := range img.Boxes {
			if want.Score <= 0.5 {
				continue
			}
			wanted++
			ok := false
			for _, got := range list {
				ok = ok || got.Label == want.Cls && near(got, want.Box)
			}
			require.True(t, ok, "%s: %+v not in %+v", img.Image, want, list)
		}
		require.Len(t, list, wanted, img.Image)
	}
}
