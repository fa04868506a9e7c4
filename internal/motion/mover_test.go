package motion_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/motion/weather"
)

const day, night = 10 * time.Minute, 200 * time.Minute

// A block that comes in is found in its first or second frame and in each one
// after, where it is.
func TestFindsWhatMoves(t *testing.T) {
	for _, c := range []struct {
		height, width, speed float64 // fractions of the frame, a frame
		contrast             int
		overlap              float64
	}{
		{0.04, 0.016, 0.004, 90, 0.25},
		{0.05, 0.016, 0.006, -70, 0.25},
		{0.08, 0.02, 0.006, 60, 0.4},
		{0.10, 0.025, 0.010, -40, 0.4},
		{0.20, 0.05, 0.012, 30, 0.55},
		{0.20, 0.05, 0.030, -60, 0.6},
		{0.40, 0.10, 0.020, 24, 0.6},
		{0.40, 0.10, 0.050, -24, 0.6},
		{0.80, 0.25, 0.060, -50, 0.75},
	} {
		for name, at := range map[string]time.Duration{"day": day, "night": night} {
			t.Run(fmt.Sprintf("%g of the height, %+d levels, by %s", c.height, c.contrast, name), func(t *testing.T) {
				if at == night && c.height < 0.08 {
					t.Skip("too small for the noise of the night")
				}
				s := newStage(at, weather.Noise, weather.Infrared)
				s.watch(20 * time.Second)
				missed, sum, frames := 0, 0.0, min(20, int(0.6/c.speed))
				for i := range frames {
					x, y := 0.1+c.speed*float64(i), max(0, 0.85-c.height)
					block := event.Box{X0: x, Y0: y, X1: x + c.width, Y1: y + c.height}.Clip()
					r := s.show(block, c.contrast)
					require.False(t, r.Calibrating)
					if o := best(r, block); o < c.overlap {
						missed++
						t.Logf("frame %d: best overlap %.2f of %v with %v", i, o, block, r.Boxes)
					} else {
						sum += o
					}
				}
				t.Logf("missed %d of %d, mean overlap %.2f", missed, frames, sum/float64(max(1, frames-missed)))
				require.LessOrEqual(t, missed, 1)
			})
		}
	}
}
