package motion_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/motion/weather"
)

// Weather sets off nothing. Headlights may, in a few frames of a sweep: where
// they come in at the frame's border they are as sharp as an object.
func TestWeatherIsNoMotion(t *testing.T) {
	const minute = time.Minute
	storm := 301 * minute
	for _, c := range []struct {
		name    string
		effects weather.Effect
		from    time.Duration
		boxes   int // frames with boxes at most
	}{
		{"noise by day", weather.Noise, 10 * minute, 0},
		{"noise by night", weather.Noise | weather.Infrared, night, 0},
		{"rain by day", weather.Noise | weather.Rain, 65 * minute, 0},
		{"rain by night", weather.Noise | weather.Rain | weather.Infrared, storm, 3},
		{"infrared on", weather.Noise | weather.Infrared | weather.Drift, weather.Dusk - 10*time.Second, 0},
		{"infrared off", weather.Noise | weather.Infrared | weather.Drift, weather.Dawn - 10*time.Second, 0},
		{"headlights", weather.Noise | weather.Infrared | weather.Headlights, night, 6},
		{"drift", weather.Drift | weather.Noise, weather.Dusk - 20*minute, 0},
		{"lightning", weather.Lightning | weather.Noise, storm, 0},
		{"lightning in infrared", weather.Lightning | weather.Noise | weather.Infrared, storm, 0},
		{"jitter by day", weather.Jitter | weather.Noise, 31 * minute, 0},
		{"jitter by night", weather.Jitter | weather.Noise | weather.Infrared, storm, 0},
		{"leaves", weather.Leaves | weather.Noise, 31 * minute, 0},
		{"blocks", weather.Blocks | weather.Noise | weather.Infrared, night, 0},
		{"all by day", weather.All, 61 * minute, 0},
		{"all by night", weather.All, storm, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(c.from, c.effects)
			frames, boxes, calibrating := s.watch(2 * minute)
			t.Logf("%d frames, %d with boxes, %d calibrating", frames, boxes, calibrating)
			require.LessOrEqual(t, boxes, c.boxes)
			require.Less(t, calibrating, frames/10, "the background is trusted again soon")
		})
	}
}

// In weather a person is found as without.
func TestWeatherHidesNobody(t *testing.T) {
	for name, from := range map[string]time.Duration{"day": 61 * time.Minute, "night": 310 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			s := newStage(from, weather.All&^weather.Lightning)
			s.watch(20 * time.Second)
			found := 0
			for i := range 25 {
				person := box(0.1+0.025*float64(i), 0.45, 0.08, 0.4)
				if best(s.show(person, -60), person) > 0.5 {
					found++
				}
			}
			t.Logf("found in %d of 25 frames", found)
			require.GreaterOrEqual(t, found, 23)
		})
	}
}
