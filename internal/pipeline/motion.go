package pipeline

import (
	"porchlight/internal/event"
)

// motionGate tells whether something moves, cheaply: the frame is sampled
// down to a few thousand gray pixels and held against a running average.
type motionGate struct {
	width, height int
	background    []float32
	luma          []uint8
	warmup        int
}

const (
	motionHeight    = 90    // rows of the sampled picture
	motionThreshold = 20    // gray levels a pixel must differ by
	motionArea      = 0.002 // fraction of changed pixels that is motion
	motionFlash     = 0.6   // more than this is a light switched, not an object
	// learn is how fast the background follows: within about a second, so that
	// whoever stood still for long leaves no ghost behind that keeps the gate open.
	learn        = 0.2
	motionWarmup = 3 // frames before the background is trusted
)

func newMotionGate() *motionGate { return &motionGate{} }

// moving reports whether enough of the picture differs from the background.
// The first frames of a source, and the first after a change of size, are
// reported as motion: what is there already deserves one look.
func (m *motionGate) moving(f *event.Frame) bool {
	width := max(1, f.Width*motionHeight/max(1, f.Height))
	if width != m.width || len(m.background) == 0 {
		m.reset(width)
		m.sample(f)
		for i, v := range m.luma {
			m.background[i] = float32(v)
		}
		return true
	}
	m.sample(f)
	changed := 0
	for i, v := range m.luma {
		if d := float32(v) - m.background[i]; d > motionThreshold || d < -motionThreshold {
			changed++
		}
	}
	part := float64(changed) / float64(len(m.luma))
	rate := float32(learn)
	if part > motionFlash {
		rate = 1
	}
	for i, v := range m.luma {
		m.background[i] += (float32(v) - m.background[i]) * rate
	}
	if m.warmup > 0 {
		m.warmup--
		return true
	}
	return part > motionArea
}

func (m *motionGate) reset(width int) {
	m.width, m.height, m.warmup = width, motionHeight, motionWarmup
	m.background = make([]float32, width*motionHeight)
	m.luma = make([]uint8, width*motionHeight)
}

// sample averages 2x2 pixels around each grid point, which takes the edge off
// sensor noise. Gray is green alone: it carries most of the luma and is what
// a Bayer sensor measures best.
func (m *motionGate) sample(f *event.Frame) {
	stride := f.Width * 3
	for y := range m.height {
		sy := min(y*f.Height/m.height, f.Height-2)
		sy = max(sy, 0)
		below := stride
		if f.Height < 2 {
			below = 0
		}
		for x := range m.width {
			sx := max(min(x*f.Width/m.width, f.Width-2), 0)
			right := 3
			if f.Width < 2 {
				right = 0
			}
			i := sy*stride + sx*3 + 1
			sum := int(f.Pix[i]) + int(f.Pix[i+right]) + int(f.Pix[i+below]) + int(f.Pix[i+below+right])
			m.luma[y*m.width+x] = uint8(sum / 4)
		}
	}
}
