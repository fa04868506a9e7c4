package motion_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/motion"
	"porchlight/internal/motion/weather"
)

func box(x, y, width, height float64) event.Box {
	return event.Box{X0: x, Y0: y, X1: x + width, Y1: y + height}
}

func TestFirstFramesCalibrate(t *testing.T) {
	s := newStage(day, weather.Noise)
	r := s.show(box(0.4, 0.4, 0.1, 0.4), -60)
	require.True(t, r.Calibrating)
	require.Empty(t, r.Boxes)
	_, _, calibrating := s.watch(3 * time.Second)
	require.InDelta(t, 4, calibrating, 3)
}

// After a turn of the camera there are no boxes, and soon it sees again.
func TestTurnedCamera(t *testing.T) {
	for name, by := range map[string]int{"far": 200, "a little": 40} {
		t.Run(name, func(t *testing.T) {
			s := newStage(day, weather.Noise)
			s.watch(20 * time.Second)
			s.scene = moved(s.scene, by)
			s.sky = weather.New(s.scene, 2, weather.Noise)
			r := s.detector.Observe(s.sky.Frame(s.at))
			require.True(t, r.Calibrating)
			_, boxes, calibrating := s.watch(10 * time.Second)
			require.Zero(t, boxes)
			require.LessOrEqual(t, calibrating, 10)
			person := box(0.4, 0.4, 0.1, 0.4)
			require.Greater(t, best(s.show(person, -60), person), 0.5)
		})
	}
}

// moved is a picture whose camera has turned aside by some pixels.
func moved(f *event.Frame, by int) *event.Frame {
	out := *f
	out.Pix = make([]byte, len(f.Pix))
	for y := range f.Height {
		for x := range f.Width {
			copy(out.Pix[(y*f.Width+x)*3:][:3], f.Pix[(y*f.Width+(x+by)%f.Width)*3:])
		}
	}
	return &out
}

// A light is switched on: no boxes, and a person right after is found.
func TestLightSwitched(t *testing.T) {
	s := newStage(day, weather.Noise)
	s.watch(20 * time.Second)
	for i, v := range s.scene.Pix { // the left half becomes bright, the right one less so
		gain := 8
		if i/3%s.scene.Width > s.scene.Width/2 {
			gain = 6
		}
		s.scene.Pix[i] = byte(min(255, int(v)*gain/4))
	}
	s.sky = weather.New(s.scene, 2, weather.Noise)
	_, boxes, calibrating := s.watch(10 * time.Second)
	require.Zero(t, boxes)
	require.LessOrEqual(t, calibrating, 10)
	person := box(0.4, 0.4, 0.1, 0.4)
	require.Greater(t, best(s.show(person, -60), person), 0.5)
}

// Who is there when lightning strikes is found right after it.
func TestFlashForgetsNothing(t *testing.T) {
	s := newStage(day, weather.Noise)
	s.watch(20 * time.Second)
	bright := *s.scene
	bright.Pix = make([]byte, len(s.scene.Pix))
	for i, v := range s.scene.Pix {
		bright.Pix[i] = byte(min(255, int(v)*2+70))
	}
	for range 2 {
		require.Empty(t, s.detector.Observe(s.sky.Over(&bright, s.at)).Boxes)
		s.at += step
	}
	person := box(0.3, 0.4, 0.1, 0.4)
	require.Greater(t, best(s.show(person, -60), person), 0.5)
}

// Whoever stops is absorbed, and leaves no ghost behind.
func TestStopping(t *testing.T) {
	for name, long := range map[string]time.Duration{"short": 8 * time.Second, "long": 40 * time.Second} {
		t.Run(name, func(t *testing.T) {
			s := newStage(day, weather.Noise)
			s.watch(20 * time.Second)
			person := box(0.4, 0.4, 0.1, 0.4)
			var r motion.Result
			for end := s.at + long; s.at < end; {
				r = s.show(person, -60)
			}
			if long > 20*time.Second {
				require.Empty(t, r.Boxes, "who stands still for long is background")
			} else {
				require.Greater(t, best(r, person), 0.5)
			}
			_, boxes, _ := s.watch(2 * time.Second)
			require.LessOrEqual(t, boxes, 1, "nobody is there")
			require.Greater(t, best(s.show(person, -60), person), 0.5, "who comes again is found")
		})
	}
}

// What came before the first frame and leaves uncovers a ghost, for a while.
func TestGhostFades(t *testing.T) {
	s := newStage(day, weather.Noise)
	for range 100 {
		s.show(box(0.4, 0.4, 0.1, 0.4), -60)
	}
	_, boxes, _ := s.watch(20 * time.Second)
	require.Less(t, boxes, 75)
	_, boxes, _ = s.watch(10 * time.Second)
	require.Zero(t, boxes)
}
