package capture

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture/simulator"
	"porchlight/internal/event"
)

// TestFootage plays every real clip whole and asks ffprobe for the times of
// its frames.
func TestFootage(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][3]int{ // frames, width, height
		"one-by-one-person-detection.mp4":              {1394, 768, 432},
		"car-detection.mp4":                            {377, 768, 432},
		"bottle-detection.mp4":                         {1189, 640, 360},
		"facenet_video.mp4":                            {105, 1920, 1080},
		"vtest.avi":                                    {795, 768, 576},
		"head-pose-face-detection-male.gif":            {62, 480, 270},
		"head-pose-face-detection-female.gif":          {23, 480, 270},
		"head-pose-face-detection-female-and-male.gif": {56, 480, 270},
		"face-demographics-walking.gif":                {35, 480, 270},
		"person-bicycle-car-detection.gif":             {41, 480, 270},
		"store-aisle-detection.gif":                    {67, 480, 270},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := testdata(t, name)
			var times []int64
			err := Run(t.Context(), Config{URL: path, Pace: FullSpeed, Log: discard()}, func(f *event.Frame) {
				require.Equal(t, want[1], f.Width)
				require.Equal(t, want[2], f.Height)
				times = append(times, f.Offset.Milliseconds())
			})
			require.NoError(t, err)
			require.Len(t, times, want[0])
			// Times may count from the file's first frame and are rounded to a millisecond.
			expect := probeTimes(t, path)
			require.Len(t, expect, want[0])
			for i := range expect {
				require.InDelta(t, expect[i]-expect[0], times[i]-times[0], 2, "frame %d", i)
			}
			require.Less(t, times[0], int64(100))
			if filepath.Ext(name) == ".gif" {
				require.Equal(t, gifTimes(t, path), times, "a second witness")
			}
		})
	}
}

func TestFootagePictures(t *testing.T) {
	t.Parallel()
	frames, err := all(t, Config{URL: testdata(t, "img"), Pace: FullSpeed, MaxWidth: 640})
	require.NoError(t, err)
	require.Len(t, frames, 5)
}

// TestFootageOverRTSP sends real footage through camera, network and decoder.
func TestFootageOverRTSP(t *testing.T) {
	t.Parallel()
	cam := simulate(t, simulator.Config{File: testdata(t, "car-detection.mp4")})
	require.Equal(t, 377, cam.Frames())
	r := start(t, Config{URL: cam.URL(), FPS: 5, MaxWidth: 640})
	last := int64(-1)
	for range 10 {
		f := r.frame()
		require.Greater(t, f.Sequence, last)
		last = f.Sequence
		require.Equal(t, 640, f.Width)
		require.Equal(t, 360, f.Height)
	}
}
