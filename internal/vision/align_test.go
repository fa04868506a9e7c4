//go:build cgo

package vision_test

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
)

// best returns the surest face of a frame.
func best(t testing.TB, d *vision.FaceDetector, f *event.Frame) face.Face {
	t.Helper()
	found, err := d.Faces(t.Context(), f)
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return found[0]
}

// A face that was aligned is found again about where the template has it: the
// detector is less exact on a picture that the face fills.
func TestAlignedFacesLieOnTheTemplate(t *testing.T) {
	d := openFaces(t, openStore(t, visiontest.TestData(t, "models")), "mtcnn", 40)
	paths, err := filepath.Glob(visiontest.TestData(t, "faces", "celeb", "*.jpg"))
	require.NoError(t, err)
	require.Len(t, paths, 4)
	for _, path := range paths {
		f := readFrame(t, path)
		const size = 2 * face.CropSide // so that the detector sees it well
		crop, err := face.Align(f, best(t, d, f).Landmarks, size)
		require.NoError(t, err)
		again := best(t, d, crop)
		apart := 0.0
		for i, want := range face.Template() {
			apart += math.Hypot(again.Landmarks[i].X/2-want.X, again.Landmarks[i].Y/2-want.Y) / 5
		}
		require.Less(t, apart, 6.0, "%s: pixels of %d", path, face.CropSide)
		_, roll := face.Pose(again.Landmarks)
		require.InDelta(t, 0, roll, 4, path)
	}
}

// Photographs of people who pose are better than faces in a moving crowd and
// from further away than they were.
func TestQualityOfRealFaces(t *testing.T) {
	d := openFaces(t, openStore(t, visiontest.TestData(t, "models")), "mtcnn", 20)
	assess := func(f *event.Frame, found face.Face) face.Quality {
		crop, err := face.Align(f, found.Landmarks, face.CropSide)
		require.NoError(t, err)
		return face.Assess(found, crop)
	}
	photos, err := filepath.Glob(visiontest.TestData(t, "faces", "celeb", "*.jpg"))
	require.NoError(t, err)
	require.NotEmpty(t, photos)
	for _, path := range photos {
		f := readFrame(t, path)
		found := best(t, d, f)
		sharp := assess(f, found)
		require.Greater(t, sharp.Overall, 0.9, "%s: %+v", path, sharp)
		small := assess(far(f, found, int(found.Width()/30)))
		require.Less(t, small.Overall, 0.6, "%s: %+v", path, small)
		require.Less(t, small.Sharpness, sharp.Sharpness, "%s: %+v", path, small)
	}
	crowd := readFrame(t, visiontest.TestData(t, "oracle", "frames", "facenet_video_0000.png"))
	found, err := d.Faces(t.Context(), crowd)
	require.NoError(t, err)
	var list []float64
	for _, x := range found {
		list = append(list, assess(crowd, x).Overall)
	}
	slices.Sort(list)
	require.Less(t, list[len(list)/2], 0.7, "%v", list)
	require.Greater(t, list[len(list)-1], 0.5, "one of them is near and sharp: %v", list)
}

// far is a frame with a face in it as from a multiple of the distance.
func far(f *event.Frame, x face.Face, times int) (*event.Frame, face.Face) {
	out := &event.Frame{Width: f.Width / times, Height: f.Height / times}
	out.Pix = make([]byte, out.Width*out.Height*3)
	for i := range out.Pix {
		c, px, py := i%3, i/3%out.Width*times, i/3/out.Width*times
		sum := 0
		for j := range times * times {
			sum += int(f.Pix[((py+j/times)*f.Width+px+j%times)*3+c])
		}
		out.Pix[i] = byte(sum / (times * times))
	}
	for i := range x.Box {
		x.Box[i] /= float64(times)
	}
	for i, p := range x.Landmarks {
		x.Landmarks[i] = face.Point{X: p.X / float64(times), Y: p.Y / float64(times)}
	}
	return out, x
}
