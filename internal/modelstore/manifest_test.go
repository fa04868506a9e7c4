package modelstore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/modelstore"
	"porchlight/models"
)

func TestBuiltInManifest(t *testing.T) {
	m, err := modelstore.ParseManifest(models.Manifest())
	require.NoError(t, err)
	require.Equal(t, "yolox-nano", m.Models[0].Name)
	for name, count := range map[string]int{"coco80": 80, "voc20": 20, "voc21": 21, "face": 2} {
		require.Len(t, m.Labels[name], count)
	}
	for _, model := range m.Models {
		require.NotEmpty(t, model.License, model.Name)
		for _, f := range model.Files {
			require.NotEmpty(t, f.URLs, f.Name)
		}
	}
}

func TestParseManifestNamesTheFault(t *testing.T) {
	m := newTestModel()
	for says, edit := range map[string]func(*modelstore.Model){
		`name: want lower-case`:         func(m *modelstore.Model) { m.Name = "../net" },
		`kind "cat"`:                    func(m *modelstore.Model) { m.Kind = "cat" },
		`decoder "yolo9"`:               func(m *modelstore.Model) { m.Decoder = "yolo9" },
		`format "pt"`:                   func(m *modelstore.Model) { m.Format = "pt" },
		`labels "birds"`:                func(m *modelstore.Model) { m.LabelList = "birds" },
		`input 0x320`:                   func(m *modelstore.Model) { m.Input.Width = 0 },
		`input 320x99999`:               func(m *modelstore.Model) { m.Input.Height = 99999 },
		`kind "detector" does not go`:   func(m *modelstore.Model) { m.Decoder = "yunet" },
		`mtcnn has its own`:             func(m *modelstore.Model) { m.Kind, m.Decoder = "face", "mtcnn" },
		`part "det1"`:                   func(m *modelstore.Model) { m.Files[0].Part = "det1" },
		`of part "det2": want one`:      threeParts,
		`input fit "crop"`:              func(m *modelstore.Model) { m.Input.Fit = "crop" },
		`fit "letterbox" does not go`:   func(m *modelstore.Model) { m.Input.Fit = "letterbox" },
		`input channels "yuv"`:          func(m *modelstore.Model) { m.Input.Channels = "yuv" },
		`input scale`:                   func(m *modelstore.Model) { m.Input.Scale = 0 },
		`score and nms`:                 func(m *modelstore.Model) { m.Score = 2 },
		`one with role weights`:         func(m *modelstore.Model) { m.Files = m.Files[1:] },
		`bare file name`:                func(m *modelstore.Model) { m.Files[0].Name = "a/../../b" },
		`listed twice`:                  func(m *modelstore.Model) { m.Files[1].Name = m.Files[0].Name },
		`role "docs"`:                   func(m *modelstore.Model) { m.Files[1].Role = "docs" },
		`either bytes or max_bytes`:     func(m *modelstore.Model) { m.Files[0].MaxBytes = 5 },
		`bytes or max_bytes, 1 to`:      func(m *modelstore.Model) { m.Files[0].Bytes = 1 << 40 },
		`either sha256 or sha1`:         func(m *modelstore.Model) { m.Files[0].SHA256 = "" },
		`not a hash in hexadecimal`:     func(m *modelstore.Model) { m.Files[0].SHA256 = "beef" },
		`url "ftp://x/y": want https`:   func(m *modelstore.Model) { m.Files[0].URLs = []string{"ftp://x/y"} },
		`url "http://x/net": want http`: func(m *modelstore.Model) { m.Files[0].URLs = []string{"http://x/net"} },
	} {
		_, err := modelstore.ParseManifest(m.manifest(t, edit))
		require.ErrorIs(t, err, modelstore.ErrManifest, says)
		require.ErrorContains(t, err, says)
	}
	_, err := modelstore.ParseManifest([]byte(`{"modles":[]}`))
	require.ErrorContains(t, err, "modles")
}

func TestParseManifestNamesTheFaultOfAnEmbedding(t *testing.T) {
	m := newTestModel()
	embedding := func(m *modelstore.Model) {
		m.Kind, m.Decoder, m.LabelList, m.NMS = "embedding", "embedding", "", 0
		m.Input.Width, m.Input.Height = 112, 112
		m.Embedding = modelstore.Embedding{Dimension: 128, Crop: "aligned"}
	}
	parsed, err := modelstore.ParseManifest(m.manifest(t, embedding))
	require.NoError(t, err)
	require.Equal(t, 128, parsed.Models[0].Embedding.Dimension)
	for says, edit := range map[string]func(*modelstore.Model){
		`kind "face" does not go`:     func(m *modelstore.Model) { m.Kind = "face" },
		`with decoder "darknet"`:      func(m *modelstore.Model) { m.Decoder = "darknet" },
		`dimension 0`:                 func(m *modelstore.Model) { m.Embedding.Dimension = 0 },
		`dimension 5000`:              func(m *modelstore.Model) { m.Embedding.Dimension = 5000 },
		`crop "oval"`:                 func(m *modelstore.Model) { m.Embedding.Crop = "oval" },
		`a square of 8 to 1024`:       func(m *modelstore.Model) { m.Input.Width = 96 },
		`margin 10`:                   func(m *modelstore.Model) { m.Embedding.Margin = 10 },
		`margin 56`:                   func(m *modelstore.Model) { m.Embedding.Crop, m.Embedding.Margin = "box", 56 },
		`score: want the cosine`:      func(m *modelstore.Model) { m.Score = 0 },
		`labels and nms`:              func(m *modelstore.Model) { m.LabelList = "pets" },
		`not of a model of kind "det`: func(m *modelstore.Model) { m.Kind, m.Decoder, m.LabelList = "detector", "darknet", "pets" },
	} {
		_, err := modelstore.ParseManifest(m.manifest(t, func(m *modelstore.Model) { embedding(m); edit(m) }))
		require.ErrorIs(t, err, modelstore.ErrManifest, says)
		require.ErrorContains(t, err, says)
	}
}

// What the guide says to write for FaceNet is a manifest.
func TestManifestOfTheGuide(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", "faces.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "## Another network")
	require.True(t, found)
	_, text, found := strings.Cut(section, "```json\n")
	require.True(t, found)
	text, _, found = strings.Cut(text, "```")
	require.True(t, found)
	m, err := modelstore.ParseManifest([]byte(text))
	require.NoError(t, err)
	require.Equal(t, modelstore.KindEmbedding, m.Models[0].Kind)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(text), 0o600))
	s, err := modelstore.New(modelstore.Config{Dir: dir, Manifest: models.Manifest()})
	require.NoError(t, err)
	_, err = modelstore.ChooseEmbedding(s, "facenet")
	require.ErrorIs(t, err, modelstore.ErrMissing)
}

// threeParts makes a model of several networks, one of which is missing.
func threeParts(m *modelstore.Model) {
	m.Kind, m.Decoder, m.Input, m.Score, m.NMS = "face", "mtcnn", modelstore.Input{}, 0, 0
	m.Files[0].Part, m.Files[1].Part = "det1", "det1"
}

func FuzzParseManifest(f *testing.F) {
	f.Add(models.Manifest())
	f.Add([]byte(`{"models":[{"name":"x","files":[{"name":".."}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := modelstore.ParseManifest(data)
		if err != nil {
			return
		}
		for _, model := range m.Models {
			if (len(model.Labels) == 0) != (model.Kind == modelstore.KindEmbedding) || len(model.Files) == 0 {
				t.Fatalf("accepted %+v", model)
			}
		}
	})
}
