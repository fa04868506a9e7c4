package rollout_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/update"
	"porchlight/internal/modelstore"
	"porchlight/internal/rollout"
)

// store has one model, whose config upstream publishes no exact size of.
func store(t *testing.T, urls []string) *modelstore.Store {
	t.Helper()
	dir := t.TempDir()
	var files []modelstore.File
	for name, role := range map[string]string{"net.weights": "weights", "net cfg": "config"} {
		name = strings.ReplaceAll(name, " ", ".")
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(role), 0o600))
		sum := sha256.Sum256([]byte(role))
		files = append(files, modelstore.File{Name: name, Role: role, URLs: urls, MaxBytes: 100, SHA256: hex.EncodeToString(sum[:])})
	}
	manifest, err := json.Marshal(modelstore.Manifest{
		Models: []modelstore.Model{{
			Name: "net", Kind: "detector", Decoder: "darknet", Format: "darknet", LabelList: "pets", Score: 0.5, Files: files,
			Input: modelstore.Input{Width: 320, Height: 320, Fit: "stretch", Channels: "rgb", Scale: 1},
		}},
		Labels: map[string][]string{"pets": {"cat", "dog"}},
	})
	require.NoError(t, err)
	s, err := modelstore.New(modelstore.Config{Dir: dir, Manifest: manifest})
	require.NoError(t, err)
	return s
}

func TestModelInABucket(t *testing.T) {
	u, err := rollout.Model(store(t, nil), "net", nil, false)
	require.NoError(t, err)
	require.ErrorIs(t, u.Place(""), rollout.ErrFile)
	require.NoError(t, u.Place("parts"))
	text, err := u.Finish(nil, nil)
	require.NoError(t, err)
	d, err := update.ParseDocument(text, nil)
	require.NoError(t, err)
	for i, f := range d.Model.Files {
		require.Equal(t, int64(len(f.Role)), f.Bytes, "an update has exact sizes")
		require.Equal(t, "s3://parts/updates/"+f.SHA256+"/"+f.Name, d.Files[i].URL)
	}
	require.Equal(t, map[string][]string{"pets": {"cat", "dog"}}, d.Labels)

	u, err = rollout.Model(store(t, nil), "net", map[string][]string{"pets": {"cat", "dog"}}, false)
	require.NoError(t, err)
	require.Empty(t, u.Document.Labels, "what devices know is not sent")
}

func TestModelWhereTheManifestSays(t *testing.T) {
	u, err := rollout.Model(store(t, []string{"https://example.org/a"}), "net", nil, true)
	require.NoError(t, err)
	require.NoError(t, u.Place(""))
	require.Equal(t, "https://example.org/a", u.Document.Files[0].URL)
	_, err = rollout.Model(store(t, nil), "net", nil, true)
	require.ErrorIs(t, err, rollout.ErrFile)
}

func TestUpdatesThatAreRefused(t *testing.T) {
	_, err := rollout.Model(store(t, nil), "other", nil, false)
	require.ErrorIs(t, err, modelstore.ErrUnknownModel)

	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	_, err = rollout.Software(empty, "1.0.0", "", "")
	require.ErrorIs(t, err, rollout.ErrFile)
	_, err = rollout.Software(filepath.Dir(empty)+"/missing", "1.0.0", "", "")
	require.ErrorIs(t, err, os.ErrNotExist)

	file := filepath.Join(t.TempDir(), "camera v2")
	require.NoError(t, os.WriteFile(file, []byte("program"), 0o600))
	u, err := rollout.Software(file, "../1", "", "")
	require.NoError(t, err)
	require.NoError(t, u.Place("parts"))
	require.True(t, strings.HasSuffix(u.Files[0].URL, "/camera_v2"))
	_, err = u.Finish(nil, nil)
	require.ErrorIs(t, err, update.ErrDocument)

	u, err = rollout.Model(store(t, nil), "net", nil, false)
	require.NoError(t, err)
	require.ErrorIs(t, u.AddProbe(file, "cat", 0.5), rollout.ErrFile, "not a picture")
	u.Document.Labels["more"] = strings.Split(strings.Repeat("label ", 800), " ")
	require.NoError(t, u.Place("parts"))
	_, err = u.Finish(nil, nil)
	require.ErrorIs(t, err, rollout.ErrTooLarge)
	for _, bad := range []string{"", "a/b", "thing/", "thinggroup/a/b"} {
		require.ErrorIs(t, rollout.CheckTarget(bad), rollout.ErrTarget)
	}
}
