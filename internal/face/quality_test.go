package face_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/face"
)

// checks is a picture of squares of the given side and contrast.
func checks(side int, contrast byte) *event.Frame {
	f := &event.Frame{Width: 112, Height: 112, Pix: make([]byte, 112*112*3)}
	for i := range f.Pix {
		x, y := i/3%112, i/3/112
		if (x/side+y/side)%2 == 0 {
			f.Pix[i] = contrast
		}
	}
	return f
}

func sized(side float64) face.Face {
	return face.Face{Box: [4]float64{10, 10, 10 + side, 10 + 1.3*side}, Landmarks: face.Template()}
}

// head shows a head with eyes, nose and mouth in depth, turned aside by a
// number of degrees and then leaning.
func head(yaw, roll float64) (points [5]face.Point) {
	sin, cos := math.Sincos(yaw * math.Pi / 180)
	leanSin, leanCos := math.Sincos(roll * math.Pi / 180)
	for i, p := range [5][3]float64{{-0.5, 0, 0}, {0.5, 0, 0}, {0, 0.55, 0.55}, {-0.4, 1.1, 0.1}, {0.4, 1.1, 0.1}} {
		x, y := p[0]*cos+p[2]*sin, p[1]
		points[i] = face.Point{X: 300 + 80*(x*leanCos-y*leanSin), Y: 200 + 80*(x*leanSin+y*leanCos)}
	}
	return points
}

func TestPoseOfATurnedHead(t *testing.T) {
	for _, yaw := range []float64{-60, -30, 0, 10, 45, 70} {
		for _, roll := range []float64{-80, -20, 0, 5, 60} {
			gotYaw, gotRoll := face.Pose(head(yaw, roll))
			require.InDelta(t, yaw, gotYaw, 1e-6)
			require.InDelta(t, roll, gotRoll, 1e-6)
		}
	}
	yaw, roll := face.Pose([5]face.Point{})
	require.Equal(t, [2]float64{90, 90}, [2]float64{yaw, roll})
}

func TestSharpness(t *testing.T) {
	require.Zero(t, face.Sharpness(&event.Frame{}))
	require.Zero(t, face.Sharpness(checks(112, 255)), "one color")
	// Squares of one pixel: the Laplacian is 8 times the contrast, up and down.
	const want = 40 * 40
	require.InDelta(t, want, face.Sharpness(checks(1, 10)), 0.1*want)
	require.Greater(t, face.Sharpness(checks(2, 40)), face.Sharpness(checks(8, 40)))
	require.Greater(t, face.Sharpness(checks(4, 60)), face.Sharpness(checks(4, 40)))
}

func TestOverallQualityFollowsItsParts(t *testing.T) {
	sharp := checks(4, 60)
	good := face.Assess(sized(120), sharp)
	require.InDelta(t, 1, good.Overall, 1e-9)
	require.Equal(t, 120.0, good.Size)
	require.InDelta(t, 0, good.Roll, 1)
	half := face.Assess(sized(56), sharp) // half way from 16 to 96
	require.InDelta(t, math.Cbrt(0.5), half.Overall, 1e-9)
	require.Zero(t, face.Assess(sized(16), sharp).Overall)
	require.Zero(t, face.Assess(sized(math.NaN()), sharp).Overall)
	require.Zero(t, face.Assess(sized(120), checks(112, 9)).Overall, "nothing to see")
	require.Less(t, face.Assess(sized(120), checks(8, 10)).Overall, good.Overall)
	turned := sized(120)
	last := 2.0
	for _, yaw := range []float64{0, 20, 40, 60, 66} {
		turned.Landmarks = head(yaw, 0)
		q := face.Assess(turned, sharp).Overall
		require.Less(t, q, last, "%v degrees", yaw)
		last = q
	}
	require.Zero(t, last)
}
