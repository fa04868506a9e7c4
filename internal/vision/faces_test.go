//go:build cgo

package vision_test

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
)

// noise is a frame of random pixels, always the same.
func noise(width, height int) *event.Frame {
	f := &event.Frame{Width: width, Height: height, Pix: make([]byte, width*height*3)}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range f.Pix {
		f.Pix[i] = byte(random.Uint32())
	}
	return f
}

func TestOpenFacesSaysWhatIsWrong(t *testing.T) {
	store := openStore(t, t.TempDir())
	for _, c := range []struct {
		model   string
		minFace int
		err     error
		says    string
	}{
		{"mtcnn", 20, modelstore.ErrMissing, "porchlight models pull mtcnn"},
		{"yunet", 20, modelstore.ErrMissing, "porchlight models pull yunet"},
		{"facenet", 20, modelstore.ErrUnknownModel, "mtcnn"},
		{"", 20, modelstore.ErrUnknownModel, "mtcnn"},
		{"yolox-nano", 20, vision.ErrNoFaces, "choose mtcnn or yunet"},
		{"res10-face", 20, vision.ErrNoFaces, "choose mtcnn or yunet"},
		{"mtcnn", -1, vision.ErrMinFace, "choose 6 to"},
		{"mtcnn", 5, vision.ErrMinFace, "choose 6 to"},
		{"mtcnn", 1 << 20, vision.ErrMinFace, "choose 6 to"},
	} {
		_, err := vision.OpenFaces(store, c.model, c.minFace)
		require.ErrorIs(t, err, c.err)
		require.ErrorContains(t, err, c.says)
	}
}

func TestFaceModelsDoNotDetectObjects(t *testing.T) {
	store := openStore(t, visiontest.TestData(t, "models"))
	for _, model := range []string{"mtcnn", "yunet"} {
		_, err := vision.Open(store, model, 0)
		require.ErrorIs(t, err, modelstore.ErrKind)
		require.ErrorContains(t, err, "porchlight faces detect --model "+model)
	}
}

func TestFacesRefusesAndRecovers(t *testing.T) {
	store := openStore(t, visiontest.TestData(t, "models"))
	messi := readFrame(t, visiontest.TestData(t, "footage", "messi5.jpg"))
	for _, model := range []string{"mtcnn", "yunet", "yunet-n-640", "yunet-n-320"} {
		t.Run(model, func(t *testing.T) {
			d, err := vision.OpenFaces(store, model, 0)
			require.NoError(t, err)
			require.Equal(t, model, d.Model())
			for _, bad := range []*event.Frame{{}, {Width: 4, Height: 4, Pix: make([]byte, 5)}, {Width: -1, Height: -1, Pix: make([]byte, 3)}} {
				_, err = d.Faces(t.Context(), bad)
				require.ErrorIs(t, err, vision.ErrFrame)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = d.Faces(ctx, messi)
			require.ErrorIs(t, err, context.Canceled)
			for _, size := range [][2]int{{1, 1}, {1, 400}, {400, 1}, {11, 11}, {19, 300}, {20, 20}, {21, 33}, {300, 20}, {37, 41}} {
				_, err = d.Faces(t.Context(), noise(size[0], size[1]))
				require.NoError(t, err, size)
			}
			found, err := d.Faces(t.Context(), noise(19, 300))
			require.NoError(t, err)
			require.Empty(t, found, "no room for the smallest face")
			found, err = d.Faces(t.Context(), messi)
			require.NoError(t, err)
			require.NotEmpty(t, found)
			again, err := d.Faces(t.Context(), messi)
			require.NoError(t, err)
			require.Equal(t, found, again, "it keeps nothing of the last frame")
			require.NoError(t, d.Close())
			require.NoError(t, d.Close())
			_, err = d.Faces(t.Context(), messi)
			require.ErrorIs(t, err, vision.ErrClosed)
		})
	}
}

func TestMinFaceLeavesOutSmallerOnes(t *testing.T) {
	store := openStore(t, visiontest.TestData(t, "models"))
	frame := readFrame(t, visiontest.TestData(t, "faces", "multiface.jpg")) // faces of about 100 pixels
	for _, model := range []string{"mtcnn", "yunet"} {
		for minFace, count := range map[int]int{40: 6, 300: 0} {
			found, err := openFaces(t, store, model, minFace).Faces(t.Context(), frame)
			require.NoError(t, err)
			require.Len(t, found, count, "%s of %d pixels", model, minFace)
		}
	}
}

// The faces do not depend on the number of threads.
func TestThreadsChangeNothing(t *testing.T) {
	d := openFaces(t, openStore(t, visiontest.TestData(t, "models")), "mtcnn", 20)
	frame := readFrame(t, visiontest.TestData(t, "faces", "multiface.jpg"))
	t.Cleanup(func() { require.NoError(t, vision.SetThreads(-1)) })
	var first []face.Face
	for _, threads := range []int{1, 2, 7} {
		require.NoError(t, vision.SetThreads(threads))
		found, err := d.Faces(t.Context(), frame)
		require.NoError(t, err)
		require.Len(t, found, 6)
		if first == nil {
			first = found
		}
		require.Equal(t, first, found)
	}
}

// Files whose hashes are right but which are another network than the
// manifest says.
func TestFaceModelsOfAnotherShapeAreErrModel(t *testing.T) {
	root, dir := visiontest.TestData(t, "models"), t.TempDir()
	store := openStore(t, root)
	mtcnn, err := store.Model("mtcnn")
	require.NoError(t, err)
	mtcnn.Files[0].Part, mtcnn.Files[2].Part = "det2", "det1" // the descriptions of two networks
	yunet, err := store.Model("yunet")
	require.NoError(t, err)
	yolox, err := store.Model("yolox-nano")
	require.NoError(t, err)
	yunet.Files = yolox.Files
	mtcnn.Name, yunet.Name = "own-mtcnn", "own-yunet"
	own := modelstore.Manifest{
		Models: []modelstore.Model{mtcnn, yunet},
		Labels: map[string][]string{"face": {"background", "face"}},
	}
	data, err := json.Marshal(own)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), data, 0o600))
	for _, m := range own.Models {
		for _, f := range m.Files {
			matches, err := filepath.Glob(filepath.Join(root, "*", f.Name))
			require.NoError(t, err)
			from := append(matches, filepath.Join(root, f.Name))[0]
			content, err := os.ReadFile(from)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, f.Name), content, 0o600))
		}
	}
	store = openStore(t, dir)
	_, err = vision.OpenFaces(store, "own-mtcnn", 20)
	require.ErrorIs(t, err, vision.ErrModel)
	require.ErrorContains(t, err, "choose another model")
	d, err := vision.OpenFaces(store, "own-yunet", 20)
	if err == nil {
		defer d.Close()
		_, err = d.Faces(t.Context(), visiontest.Scene(64, 48))
	}
	require.ErrorIs(t, err, vision.ErrModel)
	require.ErrorContains(t, err, "choose another model")
}

// YuNet is another network: it has to find the same faces, not the same boxes.
func TestYuNetFindsTheFacesOfMTCNN(t *testing.T) {
	store := openStore(t, visiontest.TestData(t, "models"))
	oracle := readFaceOracle(t, "mtcnn_min20.json")
	for model, least := range map[string]float64{"yunet": 0.9, "yunet-n-640": 0.9, "yunet-n-320": 0.8} {
		d := openFaces(t, store, model, 20)
		sure, matched, extra, pairs, alike := 0, 0, 0, 0, 0
		for _, img := range oracle.Images {
			found, err := d.Faces(t.Context(), readFrame(t, visiontest.TestData(t, img.Image)))
			require.NoError(t, err)
			for _, want := range img.Faces {
				w := face.Face{Box: want.Box, Score: want.Score}
				i := slices.IndexFunc(found, func(got face.Face) bool { return got.IoU(w) > 0.4 })
				if i >= 0 {
					pairs++
					apart := 0.0 // the same points in the same order
					for j, p := range want.Landmarks {
						apart += math.Hypot(p[0]-found[i].Landmarks[j].X, p[1]-found[i].Landmarks[j].Y) / 5
					}
					if apart < 0.12*w.Height() {
						alike++
					}
					found = slices.Delete(found, i, i+1)
				}
				if want.Score > 0.97 {
					sure++
					if i >= 0 {
						matched++
					}
				}
			}
			extra += len(found)
		}
		t.Logf("%s: %d of %d faces, %d extra on %d images", model, matched, sure, extra, len(oracle.Images))
		require.GreaterOrEqual(t, float64(matched), least*float64(sure), model)
		require.LessOrEqual(t, extra, sure/4, model)
		require.Greater(t, float64(alike), 0.85*float64(pairs), "%s: landmarks; they differ on some profiles", model)
	}
}
