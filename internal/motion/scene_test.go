package motion_test

import (
	"time"

	"porchlight/internal/event"
	"porchlight/internal/motion"
	"porchlight/internal/motion/weather"
)

const step = 200 * time.Millisecond // 5 frames a second

// stage is a camera that watches a scene in which a block can stand.
type stage struct {
	scene    *event.Frame
	sky      *weather.Sky
	detector *motion.Detector
	at       time.Duration
}

func newStage(at time.Duration, effects ...weather.Effect) *stage {
	scene := weather.Scene(640, 360, 1)
	return &stage{scene: scene, sky: weather.New(scene, 1, effects...), detector: motion.New(motion.Config{}), at: at}
}

// watch shows the empty scene for a while and counts the frames with boxes
// and those that are calibrating.
func (s *stage) watch(long time.Duration) (frames, boxes, calibrating int) {
	for end := s.at + long; s.at < end; s.at += step {
		r := s.detector.Observe(s.sky.Frame(s.at))
		frames++
		if len(r.Boxes) > 0 {
			boxes++
		}
		if r.Calibrating {
			calibrating++
		}
	}
	return frames, boxes, calibrating
}

// show shows the scene with a block that differs by contrast gray levels.
func (s *stage) show(block event.Box, contrast int) motion.Result {
	r := s.detector.Observe(s.sky.Over(withBlock(s.scene, block, contrast), s.at))
	s.at += step
	return r
}

// withBlock is a copy of a picture in which a block hides what is there: each
// of its rows is an even gray that differs by contrast from what it hides.
func withBlock(scene *event.Frame, block event.Box, contrast int) *event.Frame {
	f := *scene
	f.Pix = append([]byte(nil), scene.Pix...)
	x0, x1 := pixel(block.X0, f.Width), pixel(block.X1, f.Width)
	for y := pixel(block.Y0, f.Height); y < pixel(block.Y1, f.Height); y++ {
		row := f.Pix[y*f.Width*3:][x0*3 : x1*3]
		sum := 0
		for i := 0; i < len(row); i += 3 {
			sum += int(row[i]) + 2*int(row[i+1]) + int(row[i+2])
		}
		level := byte(max(0, min(255, sum*3/4/max(1, len(row))+contrast)))
		for i := range row {
			row[i] = level
		}
	}
	return &f
}

func pixel(v float64, size int) int { return max(0, min(size, int(v*float64(size)+0.5))) }

// best is the overlap of the box that fits best.
func best(r motion.Result, want event.Box) float64 {
	most := 0.0
	for _, b := range r.Boxes {
		most = max(most, b.IoU(want))
	}
	return most
}
