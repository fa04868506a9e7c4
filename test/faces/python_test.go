//go:build cgo

package faces_test

import (
	"bytes"
	"encoding/json"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
	"porchlight/models"
)

// client is the other side of the queues, in Python: it writes requests, and
// the answers it counts on.
const client = `
import base64, json, sys
for line in sys.stdin:
    v = json.loads(line)
    if "path" in v:
        with open(v["path"], "rb") as f:
            image = base64.b64encode(f.read()).decode("utf-8")
        print(json.dumps({"request_id": v["id"], "filename": v["filename"], v["key"]: image}))
    else:
        print(json.dumps({"request_id": v["id"], "result": v["result"]}))
`

func python(t *testing.T, inputs ...map[string]string) []string {
	t.Helper()
	program, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	var in bytes.Buffer
	for _, v := range inputs {
		require.NoError(t, json.NewEncoder(&in).Encode(v))
	}
	cmd := exec.CommandContext(t.Context(), program, "-c", client)
	cmd.Stdin = &in
	out, err := cmd.Output()
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	require.Len(t, lines, len(inputs))
	return lines
}

// request has Python write one, and holds it against ours.
func request(t *testing.T, id, key, path string) string {
	t.Helper()
	body := python(t, map[string]string{"id": id, "filename": filepath.Base(path), "key": key, "path": path})[0]
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	ours, err := (&event.FaceRequest{RequestID: id, Filename: filepath.Base(path), Image: data}).MarshalAs(key)
	require.NoError(t, err)
	require.True(t, body == string(ours), "byte for byte what Python writes")
	return body
}

// cutter makes crops as the public project's edge does.
type cutter struct {
	t      *testing.T
	finder *vision.FaceDetector
	dir    string
}

func newCutter(t *testing.T) *cutter {
	t.Helper()
	store, err := modelstore.New(modelstore.Config{Dir: visiontest.EmbeddingDir(t), Manifest: models.Manifest()})
	require.NoError(t, err)
	finder, err := vision.OpenFaces(store, "mtcnn", 20)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, finder.Close()) })
	return &cutter{t: t, finder: finder, dir: t.TempDir()}
}

// crops cuts out every face of a picture: MTCNN's box without margin, stretched
// to a square, its contrast to the full range, as JPEG.
func (c *cutter) crops(path string, size, quality int) (files []string) {
	c.t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(c.t, err)
	frame, err := vision.DecodeImage(data)
	require.NoError(c.t, err)
	found, err := c.finder.Faces(c.t.Context(), frame)
	require.NoError(c.t, err)
	for _, one := range found {
		if one.Score < 0.95 {
			continue
		}
		crop, err := face.CutBox(frame, one, size, 0)
		require.NoError(c.t, err)
		lo, hi := byte(255), byte(0)
		for _, v := range crop.Pix {
			lo, hi = min(lo, v), max(hi, v)
		}
		for i, v := range crop.Pix {
			crop.Pix[i] = byte(255 * (float64(v) - float64(lo)) / (float64(hi) - float64(lo)))
		}
		var out bytes.Buffer
		require.NoError(c.t, jpeg.Encode(&out, crop, &jpeg.Options{Quality: quality}))
		file, err := os.CreateTemp(c.dir, "test_*.jpg")
		require.NoError(c.t, err)
		_, err = file.Write(out.Bytes())
		require.NoError(c.t, err)
		require.NoError(c.t, file.Close())
		files = append(files, file.Name())
	}
	return files
}

// wall is a picture in which there is nobody.
func (c *cutter) wall() string {
	c.t.Helper()
	f := &event.Frame{Width: 240, Height: 240, Pix: make([]byte, 240*240*3)}
	for i := range f.Pix {
		f.Pix[i] = byte(90 + (i/3%240+i/720)%40)
	}
	var out bytes.Buffer
	require.NoError(c.t, jpeg.Encode(&out, f, nil))
	path := filepath.Join(c.dir, "wall.jpg")
	require.NoError(c.t, os.WriteFile(path, out.Bytes(), 0o600))
	return path
}

func people(t *testing.T, name string) string {
	return visiontest.TestData(t, "faces", "people", filepath.FromSlash(name))
}
