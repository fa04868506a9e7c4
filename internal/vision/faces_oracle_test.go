//go:build cgo

package vision_test

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
)

// faceOracle is what the reference implementation found.
type faceOracle struct {
	MinFace int `json:"min_face_size"`
	Images  []struct {
		Image string
		Hash  string  `json:"sha256_bgr"`
		Torch float64 `json:"torch_ms"`
		Faces []struct {
			Box       [4]float64
			Score     float64
			Landmarks [5][2]float64
		}
	}
}

func readFaceOracle(t testing.TB, name string) (o faceOracle) {
	t.Helper()
	readJSON(t, visiontest.TestData(t, "oracle", name), &o)
	return o
}

func openFaces(t testing.TB, store *modelstore.Store, name string, minFace int) *vision.FaceDetector {
	t.Helper()
	d, err := vision.OpenFaces(store, name, minFace)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// The same faces, none more, to a hundredth of a pixel. The reference's times
// were taken on one thread of a machine with nothing else to do, so ours are
// processor time on one thread.
func TestMTCNNIsTheReferenceImplementation(t *testing.T) {
	require.NoError(t, vision.SetThreads(1))
	t.Cleanup(func() { require.NoError(t, vision.SetThreads(-1)) })
	for name, count := range map[string]int{"mtcnn_min20.json": 51, "mtcnn_min40.json": 44} {
		oracle := readFaceOracle(t, name)
		d := openFaces(t, openStore(t, visiontest.TestData(t, "models")), "mtcnn", oracle.MinFace)
		total, worst := 0, 0.0
		var ours, torch time.Duration
		for _, img := range oracle.Images {
			f := readFrame(t, visiontest.TestData(t, img.Image))
			sum := sha256.Sum256(f.Pix)
			require.Equal(t, img.Hash, hex.EncodeToString(sum[:]), img.Image)
			found, took := timed(t, d, f)
			require.Len(t, found, len(img.Faces), "%s: %+v", img.Image, found)
			for _, want := range img.Faces {
				i := slices.IndexFunc(found, func(got face.Face) bool { return deviation(got, want.Box, want.Landmarks) < 0.01 })
				require.GreaterOrEqual(t, i, 0, "%s: %+v not in %+v", img.Image, want, found)
				require.InDelta(t, want.Score, found[i].Score, 1e-4)
				worst = max(worst, deviation(found[i], want.Box, want.Landmarks))
				found = slices.Delete(found, i, i+1) // each may serve once
				total++
			}
			reference := time.Duration(img.Torch * float64(time.Millisecond))
			ours, torch = ours+took, torch+reference
			t.Logf("%-45s %4d x %4d: %6.1f ms, reference %6.1f ms, ratio %.2f", img.Image, f.Width, f.Height,
				ms(took), ms(reference), ms(reference)/ms(took))
		}
		require.Equal(t, count, total)
		t.Logf("%s: %d faces, largest deviation %.5f px; %.0f ms, reference %.0f ms, ratio %.2f",
			name, total, worst, ms(ours), ms(torch), ms(torch)/ms(ours))
	}
}

// timed returns what a detector finds and the least processor time of three.
func timed(t testing.TB, d *vision.FaceDetector, f *event.Frame) (found []face.Face, took time.Duration) {
	t.Helper()
	took = math.MaxInt64
	for range 3 {
		start := processorTime(t)
		var err error
		found, err = d.Faces(t.Context(), f)
		require.NoError(t, err)
		took = min(took, processorTime(t)-start)
	}
	return found, took
}

// processorTime is what this process has used so far.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var r syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// deviation is the largest difference of a coordinate in pixels.
func deviation(got face.Face, box [4]float64, landmarks [5][2]float64) (worst float64) {
	for i := range box {
		worst = max(worst, math.Abs(got.Box[i]-box[i]))
	}
	for i, p := range landmarks {
		worst = max(worst, math.Abs(got.Landmarks[i].X-p[0]), math.Abs(got.Landmarks[i].Y-p[1]))
	}
	return worst
}
