package motion_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/motion"
	"porchlight/internal/motion/weather"
	"porchlight/internal/polygon"
)

func TestMask(t *testing.T) {
	s := newStage(day, weather.Noise)
	left := polygon.Polygon{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.5, Y: 1}, {X: 0, Y: 1}}
	s.detector = motion.New(motion.Config{Masks: []polygon.Polygon{left}})
	s.watch(20 * time.Second)
	for i := range 5 {
		require.Empty(t, s.show(box(0.1+0.05*float64(i), 0.4, 0.1, 0.4), -60).Boxes)
	}
	person := box(0.6, 0.4, 0.1, 0.4)
	r := s.show(person, -60)
	require.Greater(t, best(r, person), 0.5)
	require.InDelta(t, person.Area()*2, r.Area, 0.02, "Area is of what is not masked")
	s.watch(5 * time.Second)
	for _, b := range s.show(box(0.45, 0.4, 0.1, 0.4), -60).Boxes {
		require.GreaterOrEqual(t, b.X0, 0.49)
	}
}

func TestEverythingMasked(t *testing.T) {
	s := newStage(day, weather.Noise)
	all := polygon.Polygon{{X: -1, Y: -1}, {X: 2, Y: -1}, {X: 2, Y: 2}, {X: -1, Y: 2}}
	s.detector = motion.New(motion.Config{Masks: []polygon.Polygon{all, nil, {{X: math.NaN()}}}})
	_, boxes, _ := s.watch(5 * time.Second)
	require.Zero(t, boxes)
}

// Frames come seldom, with gaps, or with times that tell nothing.
func TestTimes(t *testing.T) {
	for name, next := range map[string]func(i int) time.Duration{
		"every two seconds": func(i int) time.Duration { return time.Duration(i) * 2 * time.Second },
		"all at once":       func(int) time.Duration { return 0 },
		"backwards":         func(i int) time.Duration { return -time.Duration(i) * time.Second },
		"25 a second":       func(i int) time.Duration { return time.Duration(i) * 40 * time.Millisecond },
		"an hour apart":     func(i int) time.Duration { return time.Duration(i) * time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(day, weather.Noise)
			observe := func(i int, f *event.Frame) motion.Result {
				f.Time = weather.Epoch().Add(next(i))
				return s.detector.Observe(f)
			}
			var r motion.Result
			for i := range 100 {
				r = observe(i, s.sky.Frame(s.at+time.Duration(i)*step))
			}
			require.False(t, r.Calibrating)
			require.Empty(t, r.Boxes)
			person := box(0.4, 0.4, 0.1, 0.4)
			r = observe(100, s.sky.Over(withBlock(s.scene, person, -60), s.at+100*step))
			require.Greater(t, best(r, person), 0.5)
		})
	}
}

func TestSizes(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {2, 1}, {1, 2}, {3, 3}, {3, 10000}, {10000, 3}, {7, 200}, {5000, 100}, {1921, 1079}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			d := motion.New(motion.Config{})
			for i := range 20 {
				f := plain(size[0], size[1], 100)
				f.Time = weather.Epoch().Add(time.Duration(i) * step)
				r := d.Observe(f)
				require.Empty(t, r.Boxes)
				require.Equal(t, i < 5, r.Calibrating, "frame %d", i)
			}
			f := plain(size[0], size[1], 200)
			require.True(t, d.Observe(f).Calibrating, "all changes at once")
		})
	}
}

func plain(width, height int, level byte) *event.Frame {
	f := &event.Frame{Width: width, Height: height, Pix: make([]byte, width*height*3)}
	for i := range f.Pix {
		f.Pix[i] = level
	}
	return f
}

func TestAnotherSizeStartsOver(t *testing.T) {
	s := newStage(day, weather.Noise)
	s.watch(10 * time.Second)
	require.True(t, s.detector.Observe(weather.Scene(320, 180, 1)).Calibrating)
	require.True(t, s.detector.Observe(s.sky.Frame(s.at)).Calibrating)
}

func TestUnusableFramesTellNothing(t *testing.T) {
	s := newStage(day, weather.Noise)
	s.watch(10 * time.Second)
	for _, f := range []*event.Frame{
		nil, {}, {Width: 640, Height: 360}, {Width: 640, Height: 360, Pix: make([]byte, 640*360*3-1)},
		{Width: -1, Height: -1, Pix: make([]byte, 3)}, {Width: math.MaxInt, Height: math.MaxInt, Pix: []byte{1}},
	} {
		r := s.detector.Observe(f)
		require.True(t, r.Calibrating)
		require.Empty(t, r.Boxes)
	}
	person := box(0.4, 0.4, 0.1, 0.4)
	require.Greater(t, best(s.show(person, -60), person), 0.5, "what was learnt is kept")
}

func TestNothingIsAllocatedForStillness(t *testing.T) {
	s := newStage(day, weather.Noise)
	s.watch(10 * time.Second)
	f := s.sky.Frame(s.at)
	require.LessOrEqual(t, testing.AllocsPerRun(20, func() { s.detector.Observe(f) }), 0.0)
}
