package visiontest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/modelstore"
)

// EmbeddingModel names the network of the test data that tells faces apart.
// Its license allows no more than research, so that no manifest but that of
// EmbeddingDir knows it.
const EmbeddingModel = "test-embedding"

// EmbeddingDir returns a folder of models, through links to the test data, with
// a manifest.json that adds the embedding model there.
func EmbeddingDir(t testing.TB) string {
	t.Helper()
	from := TestData(t, "models")
	dir := t.TempDir()
	entries, err := os.ReadDir(from)
	require.NoError(t, err)
	for _, e := range entries {
		linkFiles(t, filepath.Join(from, e.Name()), dir)
	}
	data, err := json.Marshal(modelstore.Manifest{Models: []modelstore.Model{{
		Name: EmbeddingModel, Kind: modelstore.KindEmbedding, Decoder: modelstore.DecoderEmbedding, Format: "caffe", License: "for tests only",
		Files: []modelstore.File{
			{
				Name: "mobilefacenet.caffemodel", Role: modelstore.RoleWeights, Bytes: 4028434,
				SHA256: "eca9bf613419952934de228ea20cf8aa644d450f0d41302f06871ce8cdec49ba",
			},
			{
				Name: "mobilefacenet.prototxt", Role: modelstore.RoleConfig, Bytes: 40711,
				SHA256: "13c722315a253bb353fc3fef8bab00cdfb9e2d16d93f0b58f2c8f9d366596ea6",
			},
		},
		Input: modelstore.Input{
			Width: 112, Height: 112, Fit: "stretch", Channels: "rgb",
			Mean: [3]float64{127.5, 127.5, 127.5}, Scale: 1.0 / 128,
		},
		Embedding: modelstore.Embedding{Dimension: 128, Crop: modelstore.CropAligned},
		Score:     0.45,
	}}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), data, 0o600))
	return dir
}

// linkFiles links the files at or in path into a folder.
func linkFiles(t testing.TB, path, dir string) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	if !info.IsDir() {
		require.NoError(t, os.Symlink(path, filepath.Join(dir, filepath.Base(path))))
		return
	}
	entries, err := os.ReadDir(path)
	require.NoError(t, err)
	for _, e := range entries {
		if !e.IsDir() {
			require.NoError(t, os.Symlink(filepath.Join(path, e.Name()), filepath.Join(dir, e.Name())))
		}
	}
}
