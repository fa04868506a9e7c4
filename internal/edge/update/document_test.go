package update_test

import (
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/update"
	"porchlight/internal/modelstore"
)

const digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func modelDocument() *update.Document {
	return &update.Document{
		Porchlight: 1, Action: update.ActionModel,
		Model: &modelstore.Model{
			Name: "net", Kind: "detector", Decoder: "darknet", Format: "darknet", LabelList: "pets", Score: 0.5, NMS: 0.45,
			Files: []modelstore.File{{Name: "net.weights", Role: "weights", Bytes: 5, SHA256: digest}},
			Input: modelstore.Input{Width: 320, Height: 320, Fit: "stretch", Channels: "rgb", Scale: 1},
		},
		Files:  []update.Location{{Name: "net.weights", URL: "s3://parts/net.weights"}},
		Labels: map[string][]string{"pets": {"cat", "dog"}},
		Probe:  &update.Probe{URL: "https://example.org/cat.jpg", SHA256: digest, Size: 5, Label: "cat", MinScore: 0.5},
	}
}

func softwareDocument() *update.Document {
	return &update.Document{
		Porchlight: 1, Action: update.ActionSoftware, Version: "1.2.3", Platform: "linux-arm64", URL: "https://example.org/camera", SHA256: digest, Size: 5,
	}
}

func TestDocumentsComeBackAsTheyWere(t *testing.T) {
	for _, d := range []*update.Document{modelDocument(), softwareDocument()} {
		text, err := json.Marshal(d)
		require.NoError(t, err)
		back, err := update.ParseDocument(text, nil)
		require.NoError(t, err)
		require.Equal(t, d, back)
	}
}

func TestDocumentsThatAreRefused(t *testing.T) {
	for says, edit := range map[string]func(m, s *update.Document){
		"version, platform, url":               func(m, _ *update.Document) { m.Version = "1" },
		"model: missing":                       func(m, _ *update.Document) { m.Model = nil },
		"only detectors of objects":            func(m, _ *update.Document) { m.Model.Kind = "embedding" },
		"exact bytes and sha256":               func(m, _ *update.Document) { m.Model.Files[0].Bytes, m.Model.Files[0].MaxBytes = 0, 9 },
		"cannot be named manifest.json":        func(m, _ *update.Document) { m.Model.Files[0].Name = "manifest.json" },
		"where net.weights is, is missing":     func(m, _ *update.Document) { m.Files = nil },
		"listed twice":                         func(m, _ *update.Document) { m.Files = append(m.Files, m.Files[0]) },
		"one that the model does not have":     func(m, _ *update.Document) { m.Files = append(m.Files, update.Location{Name: "x", URL: "s3://a/b"}) },
		"files: net.weights: address":          func(m, _ *update.Document) { m.Files[0].URL = "http://example.org/a" },
		"no such list":                         func(m, _ *update.Document) { m.Model.LabelList = "birds" },
		"input 0x320":                          func(m, _ *update.Document) { m.Model.Input.Width = 0 },
		"probe: sha256":                        func(m, _ *update.Document) { m.Probe.SHA256 = strings.ToUpper(digest) },
		"probe: size":                          func(m, _ *update.Document) { m.Probe.Size = 11 << 20 },
		"probe: want a label":                  func(m, _ *update.Document) { m.Probe.MinScore = 2 },
		"model, labels, files and probe":       func(_, s *update.Document) { s.Labels = map[string][]string{} },
		`version "../../etc"`:                  func(_, s *update.Document) { s.Version = "../../etc" },
		`version "current"`:                    func(_, s *update.Document) { s.Version = "current" },
		`version "1.new"`:                      func(_, s *update.Document) { s.Version = "1.new" },
		"sha256: want 64":                      func(_, s *update.Document) { s.SHA256 = "abc" },
		"size 0":                               func(_, s *update.Document) { s.Size = 0 },
		"want https://host/path or s3://bucke": func(_, s *update.Document) { s.URL = "file:///etc/passwd" },
		"porchlight: 3":                        func(_, s *update.Document) { s.Porchlight = 3 },
		`action "x"`:                           func(_, s *update.Document) { s.Action = "x" },
	} {
		m, s := modelDocument(), softwareDocument()
		edit(m, s)
		err := m.Validate(nil)
		if err == nil {
			err = s.Validate(nil)
		}
		require.ErrorIs(t, err, update.ErrDocument, says)
		require.ErrorContains(t, err, says)
	}
}

// How JSON was written on its way, and where the files lie, does not matter to
// a signature; anything else does.
func TestWhatIsSigned(t *testing.T) {
	const one = `{"porchlight":1,"action":"update_software","version":"1","url":"https://a/b","sha256":"00","size":5}`
	const same = `{ "size": 5.0, "sha256": "00", "url": "s3://c/d", "signature": "x", "version": "1",
		"action": "update_software", "porchlight": 1 }`
	want, err := update.Signed([]byte(one))
	require.NoError(t, err)
	require.Equal(t, "porchlight update 1\n", string(want[:20]))
	got, err := update.Signed([]byte(same))
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = update.Signed([]byte(strings.Replace(one, `"version":"1"`, `"version":"2"`, 1)))
	require.NoError(t, err)
	require.NotEqual(t, want, got)

	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	d := modelDocument()
	require.NoError(t, d.Sign(key))
	first := d.Signature
	d.Probe.URL, d.Files[0].URL = "s3://a/b", "s3://a/c"
	require.NoError(t, d.Sign(key))
	require.Equal(t, first, d.Signature)
	d.Probe.MinScore = 0.1
	require.NoError(t, d.Sign(key))
	require.NotEqual(t, first, d.Signature)
}

func FuzzParseDocument(f *testing.F) {
	for _, d := range []*update.Document{modelDocument(), softwareDocument()} {
		text, err := json.Marshal(d)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := update.ParseDocument(data, map[string][]string{"pets": {"cat"}})
		if err != nil {
			require.ErrorIs(t, err, update.ErrDocument)
			return
		}
		before, err := update.Signed(data)
		require.NoError(t, err)
		require.NotEmpty(t, before)
		text, err := json.Marshal(d)
		require.NoError(t, err)
		_, err = update.ParseDocument(text, map[string][]string{"pets": {"cat"}})
		require.NoError(t, err)
	})
}
