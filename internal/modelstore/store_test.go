package modelstore_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/modelstore"
	"porchlight/internal/vision/visiontest"
	"porchlight/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testModel has a pinned file and one of which only a SHA-1 is known.
type testModel struct{ weights, config []byte }

func newTestModel() testModel {
	weights := make([]byte, 100_000)
	for i := range weights {
		weights[i] = byte(i * i >> 3)
	}
	return testModel{weights: weights, config: []byte("layers, as text")}
}

func (m testModel) manifest(t testing.TB, edit func(*modelstore.Model)) []byte {
	t.Helper()
	sum256, sum1 := sha256.Sum256(m.weights), sha1.Sum(m.config)
	model := modelstore.Model{
		Name: "test-net", Kind: "detector", Decoder: "darknet", Format: "darknet", LabelList: "pets", Score: 0.5, NMS: 0.45,
		Files: []modelstore.File{
			{Name: "net.weights", Role: "weights", Bytes: int64(len(m.weights)), SHA256: hex.EncodeToString(sum256[:])},
			{Name: "net.cfg", Role: "config", MaxBytes: 1000, SHA1: hex.EncodeToString(sum1[:])},
		},
		Input: modelstore.Input{Width: 320, Height: 320, Fit: "stretch", Channels: "rgb", Scale: 1},
	}
	if edit != nil {
		edit(&model)
	}
	data, err := json.Marshal(modelstore.Manifest{
		Models: []modelstore.Model{model}, Labels: map[string][]string{"pets": {"cat", "dog"}},
	})
	require.NoError(t, err)
	return data
}

// write puts the files below dir, in folders of their own.
func (m testModel) write(t testing.TB, dir string) {
	t.Helper()
	for name, data := range map[string][]byte{"a/b/net.weights": m.weights, "net.cfg": m.config} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, data, 0o644))
	}
}

func newStore(t testing.TB, cfg modelstore.Config) *modelstore.Store {
	t.Helper()
	s, err := modelstore.New(cfg)
	require.NoError(t, err)
	return s
}

func TestStoreFindsFilesAnywhereBelow(t *testing.T) {
	m, dir := newTestModel(), t.TempDir()
	store := newStore(t, modelstore.Config{Dir: dir, Manifest: m.manifest(t, nil)})
	require.ErrorIs(t, store.Verify("test-net"), modelstore.ErrMissing)
	m.write(t, dir)
	// A bad namesake does not hide the good one.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "net.weights"), []byte("something else"), 0o644))
	got, err := store.Load("test-net")
	require.NoError(t, err)
	require.Equal(t, m.weights, got.Weights)
	require.Equal(t, m.config, got.Config)
	require.Equal(t, filepath.Join(dir, "a/b/net.weights"), got.WeightsPath)
}

func TestVerifyNamesFileAndCure(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(data []byte) []byte
		says  string
	}{
		"empty":     {func([]byte) []byte { return nil }, "empty"},
		"truncated": {func(d []byte) []byte { return d[:len(d)-1] }, "cut short, 99999 of 100000 bytes"},
		"longer":    {func(d []byte) []byte { return append(d, 0) }, "longer than the 100000 bytes"},
		"changed":   {func(d []byte) []byte { d[500] ^= 1; return d }, "its hash is"},
	} {
		t.Run(name, func(t *testing.T) {
			m, dir := newTestModel(), t.TempDir()
			store := newStore(t, modelstore.Config{Dir: dir, Manifest: m.manifest(t, nil)})
			m.weights = c.spoil(m.weights)
			m.write(t, dir)
			err := store.Verify("test-net")
			require.ErrorIs(t, err, modelstore.ErrCorrupt)
			require.ErrorContains(t, err, filepath.Join(dir, "a/b/net.weights"))
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "porchlight models pull test-net")
			require.Equal(t, modelstore.Corrupt, store.List()[0].State)
		})
	}
}

func TestListTellsStates(t *testing.T) {
	m, dir := newTestModel(), t.TempDir()
	store := newStore(t, modelstore.Config{Dir: dir, Manifest: m.manifest(t, nil)})
	require.Equal(t, modelstore.Missing, store.List()[0].State)
	m.write(t, dir)
	require.Equal(t, modelstore.Installed, store.List()[0].State)
	require.NoError(t, store.List()[0].Err)
	require.NoError(t, os.Remove(filepath.Join(dir, "net.cfg")))
	require.Equal(t, modelstore.Partial, store.List()[0].State)
	require.ErrorIs(t, store.List()[0].Err, modelstore.ErrMissing)
}

func TestOwnManifestAddsModels(t *testing.T) {
	m, dir := newTestModel(), t.TempDir()
	own := filepath.Join(dir, "manifest.json")
	require.NoError(t, os.WriteFile(own, m.manifest(t, nil), 0o644))
	store := newStore(t, modelstore.Config{Dir: dir, Manifest: models.Manifest()})
	_, err := store.Model("test-net")
	require.NoError(t, err)
	_, err = store.Model("yolox-nano")
	require.NoError(t, err)

	require.NoError(t, os.WriteFile(own, m.manifest(t, func(m *modelstore.Model) { m.Name = "yolox-nano" }), 0o644))
	_, err = modelstore.New(modelstore.Config{Dir: dir, Manifest: models.Manifest()})
	require.ErrorIs(t, err, modelstore.ErrManifest)
	require.ErrorContains(t, err, own)

	require.NoError(t, os.WriteFile(own, []byte("{"), 0o644))
	_, err = modelstore.New(modelstore.Config{Dir: dir, Manifest: models.Manifest()})
	require.ErrorIs(t, err, modelstore.ErrManifest)
}

func TestChoose(t *testing.T) {
	dir := t.TempDir()
	synthetic, err := visiontest.WriteSyntheticSSD(dir)
	require.NoError(t, err)
	store := newStore(t, modelstore.Config{Dir: dir, Manifest: models.Manifest()})
	_, found, err := modelstore.Choose(store, "")
	require.NoError(t, err)
	require.False(t, found, "a model that nobody asked for and that is no default is not chosen")
	got, found, err := modelstore.Choose(store, synthetic.Name)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, synthetic, got)
	_, _, err = modelstore.Choose(store, "yolox-nano")
	require.ErrorIs(t, err, modelstore.ErrMissing)
	require.ErrorContains(t, err, "porchlight models pull yolox-nano")
	for _, face := range []string{"mtcnn", "yunet"} {
		_, _, err = modelstore.Choose(store, face)
		require.ErrorIs(t, err, modelstore.ErrKind)
		require.ErrorContains(t, err, "porchlight faces detect --model "+face)
	}
	_, _, err = modelstore.Choose(store, "nothing")
	require.ErrorIs(t, err, modelstore.ErrUnknownModel)
	require.ErrorContains(t, err, "yolox-nano, mobilenet-ssd-voc")
}

// Nobody gets a face detector for objects without asking.
func TestChooseEmbedding(t *testing.T) {
	m := newTestModel()
	manifest := m.manifest(t, func(m *modelstore.Model) {
		m.Kind, m.Decoder, m.LabelList, m.NMS = "embedding", "embedding", "", 0
		m.Input.Width, m.Input.Height = 112, 112
		m.Embedding = modelstore.Embedding{Dimension: 128, Crop: "aligned"}
	})
	dir := t.TempDir()
	s := newStore(t, modelstore.Config{Dir: dir, Manifest: manifest})
	_, err := modelstore.ChooseEmbedding(s, "")
	require.ErrorIs(t, err, modelstore.ErrNoEmbedding)
	require.EqualError(t, err, "face recognition is unavailable: no embedding model is installed: porchlight models pull sface")
	_, err = modelstore.ChooseEmbedding(s, "test-net")
	require.ErrorIs(t, err, modelstore.ErrMissing)
	require.ErrorContains(t, err, "porchlight models pull test-net")
	_, err = modelstore.ChooseEmbedding(s, "resnet")
	require.ErrorIs(t, err, modelstore.ErrUnknownModel)

	m.write(t, dir)
	for _, wanted := range []string{"", "test-net"} {
		got, err := modelstore.ChooseEmbedding(s, wanted)
		require.NoError(t, err)
		require.Equal(t, "test-net", got.Name)
	}
	_, _, err = modelstore.Choose(s, "test-net")
	require.ErrorIs(t, err, modelstore.ErrKind)
	contents, err := s.Load("test-net")
	require.NoError(t, err)
	both := sha256.Sum256(append(append([]byte(nil), m.weights...), m.config...))
	require.Equal(t, hex.EncodeToString(both[:]), contents.SHA256())

	require.NoError(t, os.WriteFile(filepath.Join(dir, "a", "b", "net.weights"), m.weights[:10], 0o644))
	_, err = modelstore.ChooseEmbedding(s, "")
	require.ErrorIs(t, err, modelstore.ErrNoEmbedding)
	require.ErrorIs(t, err, modelstore.ErrCorrupt)

	_, err = modelstore.ChooseEmbedding(newStore(t, modelstore.Config{Dir: t.TempDir(), Manifest: newTestModel().manifest(t, nil)}), "test-net")
	require.ErrorIs(t, err, modelstore.ErrNotEmbedding)
}

func TestChoosePrefersNoFaceModel(t *testing.T) {
	root, dir := visiontest.TestData(t, "models"), t.TempDir()
	from := newStore(t, modelstore.Config{Dir: root, Manifest: models.Manifest()})
	store := newStore(t, modelstore.Config{Dir: dir, Manifest: models.Manifest()})
	faces := 0
	for _, m := range from.Models() {
		if m.Kind == modelstore.KindFace {
			require.NoError(t, store.Pull(t.Context(), m.Name, modelstore.PullOptions{Mirror: root}))
			require.NoError(t, store.Verify(m.Name))
			faces++
		}
	}
	require.Equal(t, 5, faces)
	_, found, err := modelstore.Choose(store, "")
	require.NoError(t, err)
	require.False(t, found)
}

func TestChooseSaysWhatItPassesOver(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "yolox_nano.onnx")
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	var log bytes.Buffer
	store := newStore(t, modelstore.Config{
		Dir: dir, Manifest: models.Manifest(), Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	_, found, err := modelstore.Choose(store, "")
	require.NoError(t, err)
	require.False(t, found)
	require.Contains(t, log.String(), path)
	require.Equal(t, 1, strings.Count(log.String(), "\n"), "models that are not there need no mention: %s", log.String())
}

func TestTestDataHoldsTheModelsOfTheManifest(t *testing.T) {
	store := newStore(t, modelstore.Config{Dir: visiontest.TestData(t, "models"), Manifest: models.Manifest()})
	states := map[string]modelstore.State{}
	for _, s := range store.List() {
		states[s.Model.Name] = s.State
	}
	require.Equal(t, map[string]modelstore.State{
		"yolox-nano": "installed", "yolo-fastest-1.1-xl": "installed", "mobilenetv2-yolov3-nano-voc": "installed",
		"res10-face": "installed", "mobilenet-ssd-voc": "partial", "mtcnn": "installed",
		"yunet": "installed", "yunet-n-640": "installed", "yunet-n-320": "installed", "sface": "missing",
	}, states)
	mtcnn, err := store.Load("mtcnn")
	require.NoError(t, err)
	require.Empty(t, mtcnn.Weights, "it is not one network")
	require.Len(t, mtcnn.Parts, 3)
	for part, n := range mtcnn.Parts {
		require.Contains(t, n.WeightsPath, part+".caffemodel")
		require.Contains(t, n.ConfigPath, part+".prototxt")
	}
	m, found, err := modelstore.Choose(store, "")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "yolox-nano", m.Name)
}

func TestDefaultDir(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	t.Setenv("XDG_DATA_HOME", "/data")
	dir, err := modelstore.DefaultDir()
	require.NoError(t, err)
	require.Equal(t, "/data/porchlight/models", dir)
	t.Setenv("XDG_DATA_HOME", "relative")
	dir, err = modelstore.DefaultDir()
	require.NoError(t, err)
	require.Equal(t, "/home/me/.local/share/porchlight/models", dir)
}
