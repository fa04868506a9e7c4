//go:build cgo

package vision_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
	"porchlight/models"
)

func openEmbedder(t testing.TB, dir, model string) *vision.Embedder {
	t.Helper()
	e, err := vision.OpenEmbedder(openStore(t, dir), model)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

func TestEmbeddingsAgreeWithAnIndependentEvaluation(t *testing.T) {
	var oracle struct {
		Images []struct {
			Image     string
			Embedding []float32
		}
	}
	readJSON(t, visiontest.TestData(t, "oracle", "mobilefacenet_embeddings.json"), &oracle)
	require.Len(t, oracle.Images, 50)
	e := openEmbedder(t, visiontest.EmbeddingDir(t), "")
	require.Equal(t, visiontest.EmbeddingModel, e.Model().Name, "the only one installed")
	require.InDelta(t, 0.55, e.MaxDistance(), 1e-9)
	least := 1.0
	for _, img := range oracle.Images {
		got, err := e.EmbedAligned(t.Context(), readFrame(t, visiontest.TestData(t, img.Image)))
		require.NoError(t, err)
		want, err := face.NewEmbedding(e.Model(), img.Embedding)
		require.NoError(t, err)
		d, err := got.Distance(want)
		require.NoError(t, err)
		least = min(least, 1-d)
	}
	t.Logf("least cosine of %d: %.7f", len(oracle.Images), least)
	require.Greater(t, least, 0.9999)
}

// A face found in a photograph gives the same whether the embedder aligns it
// or the caller does.
func TestEmbedAligns(t *testing.T) {
	dir := visiontest.EmbeddingDir(t)
	e := openEmbedder(t, dir, visiontest.EmbeddingModel)
	f := readFrame(t, visiontest.TestData(t, "faces", "people", "obama", "obama.jpg"))
	found := best(t, openFaces(t, openStore(t, dir), "mtcnn", 40), f)
	direct, err := e.Embed(t.Context(), f, found)
	require.NoError(t, err)
	crop, err := face.Align(f, found.Landmarks, face.CropSide)
	require.NoError(t, err)
	require.True(t, e.TakesAligned())
	aligned, err := e.EmbedAligned(t.Context(), crop)
	require.NoError(t, err)
	require.Equal(t, aligned, direct)

	found.Landmarks = [5]face.Point{}
	_, err = e.Embed(t.Context(), f, found)
	require.ErrorIs(t, err, face.ErrLandmarks)
}

func TestEmbedderRefusesAndRecovers(t *testing.T) {
	e, err := vision.OpenEmbedder(syntheticEmbedding(t, nil), "")
	require.NoError(t, err)
	require.False(t, e.TakesAligned())
	f := visiontest.Scene(300, 300, visiontest.Object{Label: "person", X: 0.2, Y: 0.2})
	found := face.Face{Box: [4]float64{50, 50, 150, 150}}
	_, err = e.Embed(t.Context(), &event.Frame{Width: 4, Height: 4, Pix: make([]byte, 5)}, found)
	require.ErrorIs(t, err, vision.ErrFrame)
	_, err = e.EmbedAligned(t.Context(), &event.Frame{Width: 4})
	require.ErrorIs(t, err, vision.ErrFrame)
	_, err = e.EmbedAligned(t.Context(), f)
	require.ErrorIs(t, err, vision.ErrCrop)
	_, err = e.Embed(t.Context(), f, face.Face{Box: [4]float64{400, 400, 500, 500}})
	require.ErrorIs(t, err, face.ErrLandmarks)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = e.Embed(ctx, f, found)
	require.ErrorIs(t, err, context.Canceled)
	made, err := e.Embed(t.Context(), f, found)
	require.NoError(t, err)
	require.Len(t, made.Vector, 700)
	d, err := made.Distance(made)
	require.NoError(t, err)
	require.InDelta(t, 0, d, 1e-6)
	require.NoError(t, e.Close())
	require.NoError(t, e.Close())
	_, err = e.Embed(t.Context(), f, found)
	require.ErrorIs(t, err, vision.ErrClosed)

	for _, edit := range []func(*modelstore.Model){
		func(m *modelstore.Model) { m.Embedding.Dimension = 699 },
		func(m *modelstore.Model) { m.Input.Width, m.Input.Height = 8, 8 }, // too small for its window
	} {
		wrong, err := vision.OpenEmbedder(syntheticEmbedding(t, edit), "")
		require.NoError(t, err)
		_, err = wrong.Embed(t.Context(), f, found)
		require.ErrorIs(t, err, vision.ErrModel)
		require.NoError(t, wrong.Close())
	}
	_, err = vision.OpenEmbedder(syntheticEmbedding(t, func(m *modelstore.Model) { m.Format, m.Files = "onnx", m.Files[1:] }), "")
	require.ErrorIs(t, err, vision.ErrModel)
}

// syntheticEmbedding is a store in which the synthetic network, whose output
// has 100 rows of 7 numbers, passes for one that tells faces apart by their box.
func syntheticEmbedding(t *testing.T, edit func(*modelstore.Model)) *modelstore.Store {
	t.Helper()
	dir := t.TempDir()
	m, err := visiontest.WriteSyntheticSSD(dir)
	require.NoError(t, err)
	m.Name, m.Kind, m.Decoder, m.LabelList, m.Score = "colors", modelstore.KindEmbedding, modelstore.DecoderEmbedding, "", 0.5
	m.Embedding = modelstore.Embedding{Dimension: 700, Crop: modelstore.CropBox}
	if edit != nil {
		edit(&m)
	}
	data, err := json.Marshal(modelstore.Manifest{Models: []modelstore.Model{m}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), data, 0o600))
	return openStore(t, dir)
}

func TestOpenEmbedderSaysHowToGetOne(t *testing.T) {
	store, err := modelstore.New(modelstore.Config{Dir: t.TempDir(), Manifest: models.Manifest()})
	require.NoError(t, err)
	_, err = vision.OpenEmbedder(store, "")
	require.EqualError(t, err, "face recognition is unavailable: no embedding model is installed: porchlight models pull sface")
	_, err = vision.OpenEmbedder(store, "mtcnn")
	require.ErrorIs(t, err, modelstore.ErrNotEmbedding)
}
