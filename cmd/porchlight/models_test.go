package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/modelstore"
	"porchlight/internal/vision/visiontest"
)

func states(t *testing.T, r result) map[string]modelstore.State {
	t.Helper()
	got := map[string]modelstore.State{}
	for _, l := range lines[modelLine](t, r) {
		got[l.Name] = l.State
		require.Equal(t, l.State == modelstore.Installed, l.Error == "", "%+v", l)
	}
	return got
}

func TestModelsFromAMirror(t *testing.T) {
	from, dir := t.TempDir(), t.TempDir()
	_, err := visiontest.WriteSyntheticSSD(from)
	require.NoError(t, err)
	manifest, err := os.ReadFile(filepath.Join(from, "manifest.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), manifest, 0o644))
	t.Setenv("PORCHLIGHT_MODELS", dir)

	r := porchlight(t, "models", "list", "--json")
	require.Equal(t, 0, r.code, r.stderr)
	require.Equal(t, modelstore.Missing, states(t, r)[visiontest.Model])
	require.Equal(t, modelstore.Missing, states(t, r)["yolox-nano"])

	r = porchlight(t, "models", "verify", visiontest.Model)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "porchlight models pull "+visiontest.Model)

	r = porchlight(t, "models", "pull", "--json", "--mirror", from, visiontest.Model)
	require.Equal(t, 0, r.code, r.stderr)
	require.Equal(t, map[string]modelstore.State{visiontest.Model: modelstore.Installed}, states(t, r))
	require.Contains(t, r.stderr, "synthetic_ssd.caffemodel")

	r = porchlight(t, "models", "verify", "--json")
	require.Equal(t, 0, r.code, r.stderr)
	require.Equal(t, map[string]modelstore.State{visiontest.Model: modelstore.Installed}, states(t, r))

	weights := filepath.Join(dir, visiontest.Model, "synthetic_ssd.caffemodel")
	require.NoError(t, os.WriteFile(weights, []byte("x"), 0o644))
	r = porchlight(t, "models", "verify")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stdout, "corrupt")
	require.Contains(t, r.stderr, weights)

	r = porchlight(t, "models", "pull", "--mirror", t.TempDir(), visiontest.Model)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "has no such file")
}

func TestModelsOfTheTestDataArePulledAndVerified(t *testing.T) {
	dir := t.TempDir()
	r := porchlight(t, "models", "pull", "--models", dir, "--json", "--mirror", visiontest.TestData(t, "models"),
		"yolox-nano", "res10-face", "mobilenet-ssd-voc", "mtcnn", "yunet")
	require.Equal(t, 1, r.code, "the weights of mobilenet-ssd-voc are not there")
	require.Equal(t, map[string]modelstore.State{
		"yolox-nano": "installed", "res10-face": "installed", "mobilenet-ssd-voc": "partial",
		"mtcnn": "installed", "yunet": "installed",
	}, states(t, r))
}
