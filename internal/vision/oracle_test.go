//go:build cgo

package vision_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
)

func readFrame(t testing.TB, path string) *event.Frame {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	f, err := vision.DecodeImage(data)
	require.NoError(t, err, path)
	return f
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

type oracleBox struct {
	Label string     `json:"cls"`
	Score float64    `json:"score"`
	Box   [4]float64 `json:"box"` // pixels, not clipped
}

// The oracle is an evaluation of the same network by another engine.
func TestYOLOXAgreesWithAnIndependentEvaluation(t *testing.T) {
	var oracle struct {
		Images []struct {
			Image         string
			Width, Height int
			Boxes         []oracleBox
		}
	}
	readJSON(t, visiontest.TestData(t, "oracle", "yolox_nano.json"), &oracle)
	require.Len(t, oracle.Images, 69)
	d := open(t, openStore(t, visiontest.TestData(t, "models")), "yolox-nano", 0.3)
	boxes := 0
	for _, img := range oracle.Images {
		f := readFrame(t, visiontest.TestData(t, img.Image))
		require.Equal(t, [2]int{img.Width, img.Height}, [2]int{f.Width, f.Height}, img.Image)
		found, err := d.Detect(t.Context(), f)
		require.NoError(t, err)
		require.Len(t, found, len(img.Boxes), "%s: %+v", img.Image, found)
		for _, want := range img.Boxes {
			i := slices.IndexFunc(found, func(got event.Detection) bool { return agrees(want, got, f) })
			require.GreaterOrEqual(t, i, 0, "%s: %+v not in %+v", img.Image, want, found)
			found = slices.Delete(found, i, i+1) // each may serve once
			boxes++
		}
	}
	require.Equal(t, 275, boxes)
}

func agrees(want oracleBox, got event.Detection, f *event.Frame) bool {
	near := func(a, b, tolerance float64) bool { return a-b < tolerance && b-a < tolerance }
	w, h := float64(f.Width), float64(f.Height)
	box := event.Box{X0: want.Box[0] / w, Y0: want.Box[1] / h, X1: want.Box[2] / w, Y1: want.Box[3] / h}.Clip()
	return want.Label == got.Label && near(want.Score, got.Score, 1e-3) &&
		near(box.X0*w, got.Box.X0*w, 0.1) && near(box.X1*w, got.Box.X1*w, 0.1) &&
		near(box.Y0*h, got.Box.Y0*h, 0.1) && near(box.Y1*h, got.Box.Y1*h, 0.1)
}

func TestDecodedPixelsAreTheReferenceOnes(t *testing.T) {
	var oracle struct {
		Images []struct {
			Image string
			Hash  string `json:"sha256_bgr"`
		}
	}
	readJSON(t, visiontest.TestData(t, "oracle", "mtcnn_min20.json"), &oracle)
	require.NotEmpty(t, oracle.Images)
	for _, img := range oracle.Images {
		sum := sha256.Sum256(readFrame(t, visiontest.TestData(t, img.Image)).Pix)
		require.Equal(t, img.Hash, hex.EncodeToString(sum[:]), img.Image)
	}
}

// Boxes here come from the oracles of other networks; they only have to be of
// the same objects.
func TestRealModelsFindWhatIsInThePicture(t *testing.T) {
	dog := event.Box{X0: 132.79 / 768, Y0: 206.64 / 576, X1: 325.69 / 768, Y1: 543.09 / 576}
	car := event.Box{X0: 466.27 / 768, Y0: 78.39 / 576, X1: 692.48 / 768, Y1: 171.26 / 576}
	face := event.Box{X0: 407.59 / 1200, Y0: 148.53 / 1200, X1: 872.07 / 1200, Y1: 773.04 / 1200}
	store := openStore(t, visiontest.TestData(t, "models"))
	for _, c := range []struct {
		model, image, label string
		box                 event.Box
	}{
		{"yolo-fastest-1.1-xl", "footage/img/dog.jpg", "dog", dog},
		{"yolo-fastest-1.1-xl", "footage/img/dog.jpg", "car", car},
		{"mobilenetv2-yolov3-nano-voc", "footage/img/dog.jpg", "dog", dog},
		{"mobilenetv2-yolov3-nano-voc", "footage/img/dog.jpg", "car", car},
		{"res10-face", "faces/people/biden/biden2.jpg", "face", face},
	} {
		found, err := open(t, store, c.model, 0).Detect(t.Context(), readFrame(t, visiontest.TestData(t, c.image)))
		require.NoError(t, err)
		require.True(t, slices.ContainsFunc(found, func(d event.Detection) bool {
			return d.Label == c.label && d.Box.IoU(c.box) > 0.6
		}), "%s: no %s at %v in %+v", c.model, c.label, c.box, found)
	}
}

func TestPeopleDetectorFindsAnUprightPerson(t *testing.T) {
	frame := readFrame(t, visiontest.TestData(t, "footage", "img", "person.jpg"))
	seen, err := open(t, openStore(t, visiontest.TestData(t, "models")), "yolox-nano", 0).Detect(t.Context(), frame)
	require.NoError(t, err)
	d, err := vision.NewPeopleDetector(0)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	for range 2 { // the same again: it keeps nothing of the last frame
		found, err := d.Detect(t.Context(), frame)
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.True(t, slices.ContainsFunc(seen, func(p event.Detection) bool {
			return p.Label == "person" && p.Box.IoU(found[0].Box) > 0.5
		}), "%+v is none of %+v", found, seen)
	}
}
