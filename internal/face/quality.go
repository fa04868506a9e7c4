package face

import (
	"math"

	"porchlight/internal/event"
)

// Quality says how good a picture of a face is for telling whose it is.
type Quality struct {
	Size      float64 // shorter side of the face in the frame, pixels
	Sharpness float64 // variance of the Laplacian of the aligned crop's luma
	Yaw       float64 // degrees from looking into the camera, positive to the picture's right; an estimate
	Roll      float64 // degrees the head leans, positive clockwise as seen
	Overall   float64 // 0..1
}

// Bounds between which each part counts from nothing to all.
const (
	sizeNone, sizeAll   = 16.0, 96.0 // pixels
	blurNone, blurAll   = 5.0, 250.0 // variance, on a logarithmic scale
	yawAll, yawNone     = 15.0, 65.0 // degrees
	rollAll, rollNone   = 30.0, 90.0 // degrees; alignment undoes most of it
	leastEyes           = 1e-6       // pixels between the eyes
	noseDepth           = 0.55       // of the nose's tip before the eyes, in distances between the eyes
	lumaB, lumaG, lumaR = 0.114, 0.587, 0.299
)

// Assess judges a face by its detection and its aligned crop. Overall is the
// geometric mean of three parts from 0 to 1, so that a face which fails in one
// is bad whatever the others:
//
//	size       (Size - 16) / 80
//	sharpness  log(Sharpness / 5) / log(250 / 5)
//	frontality (65 - |Yaw|) / 50 * (90 - |Roll|) / 60
//
// each factor cut to 0..1. Where a crop is much smaller than the face, its
// sharpness says more of the crop than of the frame, which is what counts.
func Assess(f Face, crop *event.Frame) Quality {
	q := Quality{Size: min(f.Width(), f.Height()), Sharpness: Sharpness(crop)}
	q.Yaw, q.Roll = Pose(f.Landmarks)
	size := between(q.Size, sizeNone, sizeAll)
	sharp := between(math.Log(q.Sharpness), math.Log(blurNone), math.Log(blurAll))
	frontal := between(math.Abs(q.Yaw), yawNone, yawAll) * between(math.Abs(q.Roll), rollNone, rollAll)
	q.Overall = math.Cbrt(size * sharp * frontal)
	return q
}

// between is how far v is on the way from none to all, 0..1; 0 when v is no number.
func between(v, none, all float64) float64 {
	r := (v - none) / (all - none)
	if !(r > 0) {
		return 0
	}
	return min(r, 1)
}

// Pose estimates from landmarks how far a head is turned aside and how far it
// leans, in degrees. The tip of the nose stands out before the eyes by about
// 0.55 times their distance d, so a head turned by the angle a shows it off
// their middle by 0.55*d*sin(a), while the eyes seem d*cos(a) apart. Landmarks
// without two eyes give 90 degrees.
func Pose(landmarks [5]Point) (yaw, roll float64) {
	left, right, nose := landmarks[0], landmarks[1], landmarks[2]
	dx, dy := right.X-left.X, right.Y-left.Y
	eyes := math.Hypot(dx, dy)
	if !(eyes > leastEyes) || math.IsInf(eyes, 0) {
		return 90, 90
	}
	aside := ((nose.X-(left.X+right.X)/2)*dx + (nose.Y-(left.Y+right.Y)/2)*dy) / (eyes * eyes)
	return degrees(math.Atan(aside / noseDepth)), degrees(math.Atan2(dy, dx))
}

func degrees(radians float64) float64 { return radians * 180 / math.Pi }

// Sharpness is the variance of the discrete Laplacian (4 times a pixel less its
// four neighbors) of the luma (ITU-R BT.601), without the border: the measure
// of focus of Pech-Pacheco et al., ICPR 2000. It depends on the size of the
// picture, so only pictures of one size compare. It is 0 below 3 x 3 pixels.
func Sharpness(f *event.Frame) float64 {
	w, h := f.Width, f.Height
	if w < 3 || h < 3 || len(f.Pix) < w*h*3 {
		return 0
	}
	luma := make([]float32, w*h)
	for i := range luma {
		p := f.Pix[i*3 : i*3+3]
		luma[i] = lumaB*float32(p[0]) + lumaG*float32(p[1]) + lumaR*float32(p[2])
	}
	var sum, squares float64
	for y := 1; y < h-1; y++ {
		for i := y*w + 1; i < y*w+w-1; i++ {
			v := float64(4*luma[i] - luma[i-1] - luma[i+1] - luma[i-w] - luma[i+w])
			sum += v
			squares += v * v
		}
	}
	n := float64((w - 2) * (h - 2))
	return max(0, squares/n-(sum/n)*(sum/n))
}
