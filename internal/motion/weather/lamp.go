package weather

import (
	"time"

	"porchlight/internal/event"
)

const (
	sweepEvery  = 90 * time.Second // one car passes in each
	sweepLength = 4 * time.Second
	spotGain    = 3.5 // times as bright in the middle of the spot
)

// Sweep reports whether a car's headlights pass at a time of the time line,
// for those who count what they set off.
func (s *Sky) Sweep(at time.Duration) bool {
	_, _, _, passing := s.sweep(at)
	return passing && s.on(Headlights, at)
}

// sweep is how far the headlights have come, 0..1, at what height of the
// frame, and from which side.
func (s *Sky) sweep(at time.Duration) (progress, height float64, fromRight, passing bool) {
	random := s.slot(5, at/sweepEvery)
	begin := time.Duration(random.Int64N(int64(sweepEvery - sweepLength)))
	height, fromRight = 0.6+0.3*random.Float64(), random.IntN(2) == 0
	since := at%sweepEvery - begin
	return since.Seconds() / sweepLength.Seconds(), height, fromRight, since >= 0 && since < sweepLength
}

// headlights brighten a soft ellipse that crosses the frame: light is times
// what is there, so that it keeps its texture.
func (s *Sky) headlights(f *event.Frame, at time.Duration) {
	progress, height, fromRight, _ := s.sweep(at)
	if fromRight {
		progress = 1 - progress
	}
	radiusX, radiusY := float64(f.Width)*0.16, float64(f.Height)*0.11
	cx := -radiusX + progress*(float64(f.Width)+2*radiusX)
	cy := height * float64(f.Height)
	for y := max(0, int(cy-radiusY)); y < min(f.Height, int(cy+radiusY)); y++ {
		dy := (float64(y) - cy) / radiusY
		for x := max(0, int(cx-radiusX)); x < min(f.Width, int(cx+radiusX)); x++ {
			dx := (float64(x) - cx) / radiusX
			r := 1 - dx*dx - dy*dy
			if r <= 0 {
				continue
			}
			gain := int((1 + (spotGain-1)*r*r) * 256)
			p := f.Pix[(y*f.Width+x)*3:][:3]
			for c, v := range p {
				p[c] = byte(min(255, int(v)*gain>>8))
			}
		}
	}
}
