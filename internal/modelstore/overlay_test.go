package modelstore_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/modelstore"
)

// An overlay is a newer model of the same name, with its own files beside the
// old ones, which use the lists of labels that are known.
func TestOverlayTakesTheModelsPlace(t *testing.T) {
	old, dir, over := newTestModel(), t.TempDir(), t.TempDir()
	old.write(t, dir)
	base := old.manifest(t, nil)
	fresh := newTestModel()
	fresh.weights = append(fresh.weights, 7)
	fresh.write(t, over)
	require.NoError(t, os.WriteFile(filepath.Join(over, "manifest.json"), withoutLabels(t, fresh, "pets"), 0o644))

	s := newStore(t, modelstore.Config{Dir: dir, Manifest: base, Overlay: over})
	require.Len(t, s.Models(), 1)
	got, err := s.Load("test-net")
	require.NoError(t, err)
	require.Equal(t, fresh.weights, got.Weights)
	m, err := s.Model("test-net")
	require.NoError(t, err)
	require.Equal(t, []string{"cat", "dog"}, m.Labels)
	require.Equal(t, []string{"cat", "dog"}, s.Labels()["pets"])

	got, err = newStore(t, modelstore.Config{Dir: dir, Manifest: base}).Load("test-net")
	require.NoError(t, err)
	require.Equal(t, old.weights, got.Weights, "without it all is as before")
}

// withoutLabels is a manifest that relies on lists of others.
func withoutLabels(t *testing.T, m testModel, list string) []byte {
	t.Helper()
	manifest, err := modelstore.ParseManifest(m.manifest(t, nil))
	require.NoError(t, err)
	manifest.Labels, manifest.Models[0].LabelList = nil, list
	data, err := json.Marshal(manifest)
	require.NoError(t, err)
	return data
}

func TestOverlayAddsAModel(t *testing.T) {
	m, dir, over := newTestModel(), t.TempDir(), t.TempDir()
	m.write(t, dir)
	added := m.manifest(t, func(m *modelstore.Model) { m.Name = "added" })
	require.NoError(t, os.WriteFile(filepath.Join(over, "manifest.json"), added, 0o644))
	s := newStore(t, modelstore.Config{Dir: dir, Manifest: m.manifest(t, nil), Overlay: over})
	require.NoError(t, s.Verify("added"), "its files may lie in the store itself")
	require.NoError(t, s.Verify("test-net"))
}

func TestOverlayThatCannotBeUsed(t *testing.T) {
	m, dir, over := newTestModel(), t.TempDir(), t.TempDir()
	cfg := modelstore.Config{Dir: dir, Manifest: m.manifest(t, nil), Overlay: over}
	_, err := modelstore.New(cfg)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(filepath.Join(over, "manifest.json"), withoutLabels(t, m, "birds"), 0o644))
	_, err = modelstore.New(cfg)
	require.ErrorIs(t, err, modelstore.ErrManifest)
	require.ErrorContains(t, err, `labels "birds": no such list`)
}
