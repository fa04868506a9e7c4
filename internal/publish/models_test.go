package publish_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/modelstore"
	"porchlight/internal/publish"
	"porchlight/models"
)

// manifest of one model with two small files, edited.
func manifest(edit ...string) []byte {
	sum := func(text string) string {
		s := sha256.Sum256([]byte(text))
		return hex.EncodeToString(s[:])
	}
	text := fmt.Sprintf(`{"models":[{"name":"tiny","kind":"detector","decoder":"darknet","format":"darknet","license":"MIT","note":"a test",
		"files":[{"name":"tiny.weights","role":"weights","urls":["https://example.org/tiny.weights"],"bytes":7,"sha256":"%s"},
		         {"name":"tiny.cfg","role":"config","urls":["https://example.org/tiny.cfg"],"bytes":6,"sha256":"%s"}],
		"input":{"width":32,"height":32,"fit":"stretch","channels":"rgb","mean":[0,0,0],"scale":1},"labels":"l","score":0.5}],
		"labels":{"l":["a"]}}`, sum("weights"), sum("config"))
	return []byte(strings.NewReplacer(edit...).Replace(text))
}

func source(t *testing.T, manifest []byte) publish.ModelSource {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tiny.weights"), []byte("weights"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tiny.cfg"), []byte("config"), 0o644))
	store, err := modelstore.New(modelstore.Config{Dir: dir, Manifest: manifest})
	require.NoError(t, err)
	known, err := modelstore.ParseManifest(manifest)
	require.NoError(t, err)
	return publish.ModelSource{Store: store, Known: known, Names: []string{"tiny"}, Arch: []string{"amd64", "arm64"}}
}

func TestModelsCarryTheirHashesAndLicenses(t *testing.T) {
	work := t.TempDir()
	c, err := publish.Models(work, source(t, manifest()))
	require.NoError(t, err)
	require.NoError(t, c.Fill("2.0.0", "parts"))
	require.Equal(t, []string{"SHA256SUMS", "tiny.weights", "tiny.cfg", "MODELS.txt"}, c.Recipe.Files())
	sums, err := os.ReadFile(filepath.Join(work, "models", "SHA256SUMS"))
	require.NoError(t, err)
	for _, a := range c.Artifacts[1:] {
		require.Contains(t, string(sums), a.SHA256+"  "+a.Name+"\n")
		data, err := os.ReadFile(a.Path)
		require.NoError(t, err)
		sum := sha256.Sum256(data)
		require.Equal(t, hex.EncodeToString(sum[:]), a.SHA256)
	}
	note, err := os.ReadFile(filepath.Join(work, "models", "MODELS.txt"))
	require.NoError(t, err)
	require.Contains(t, string(note), "license: MIT")
	require.Contains(t, string(note), "from https://example.org/tiny.cfg")
}

func TestOnlyRedistributableModels(t *testing.T) {
	for want, edit := range map[string][]string{
		`its license is "research only"`:                  {`"license":"MIT"`, `"license":"research only"`},
		`its license is ""`:                               {`"license":"MIT"`, `"license":""`},
		"no address for tiny.cfg":                         {`"urls":["https://example.org/tiny.cfg"],`, ""},
		"the weights of MobileFaceNet come from research": {`"name":"tiny.weights"`, `"name":"MobileFaceNet.weights"`},
	} {
		_, err := publish.Models(t.TempDir(), source(t, manifest(edit...)))
		require.ErrorIs(t, err, publish.ErrNotRedistributable)
		require.ErrorContains(t, err, want)
	}
}

func TestModelsThatNoDeviceKnows(t *testing.T) {
	s := source(t, manifest())
	s.Names = []string{"own"}
	_, err := publish.Models(t.TempDir(), s)
	require.ErrorIs(t, err, publish.ErrNotRedistributable)
	require.ErrorContains(t, err, "not in the built-in manifest")
}

// The store verifies against its own manifest; the files must also be those of
// the manifest that devices have.
func TestDigestMismatch(t *testing.T) {
	s := source(t, manifest())
	s.Known.Models[0].Files[1].SHA256 = strings.Repeat("0", 64)
	_, err := publish.Models(t.TempDir(), s)
	require.ErrorIs(t, err, publish.ErrArtifact)
	require.ErrorContains(t, err, `tiny.cfg of model tiny hashes to`)

	require.NoError(t, os.WriteFile(filepath.Join(s.Store.Dir(), "tiny.cfg"), []byte("confiG"), 0o644))
	_, err = publish.Models(t.TempDir(), s)
	require.ErrorIs(t, err, modelstore.ErrCorrupt)
}

func TestTheSameFileTwice(t *testing.T) {
	s := source(t, manifest())
	s.Names = []string{"tiny", "tiny"}
	_, err := publish.Models(t.TempDir(), s)
	require.ErrorContains(t, err, "two of them have a file tiny.weights")
}

// What the default component holds may be handed on.
func TestBuiltInManifest(t *testing.T) {
	known, err := modelstore.ParseManifest(models.Manifest())
	require.NoError(t, err)
	free := map[string]bool{}
	for _, m := range known.Models {
		free[m.Name] = publish.Redistributable(m) == nil
	}
	require.True(t, free["yolox-nano"] && free["mtcnn"] && free["yunet"], "%v", free)
	require.False(t, free["mobilenet-ssd-voc"], "its weights have no SHA-256")
}
