package motion_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture"
	"porchlight/internal/event"
	"porchlight/internal/motion"
)

// stretch of a clip in seconds.
type stretch struct{ from, to float64 }

// Real footage, judged by eye: in the empty stretches nothing moves, in the
// others something does.
func TestClips(t *testing.T) {
	data := os.Getenv("PORCHLIGHT_TESTDATA")
	if data == "" {
		t.Skip("PORCHLIGHT_TESTDATA is not set: no footage")
	}
	for clip, c := range map[string]struct {
		empty, moving []stretch
		most, least   float64 // part of the frames that may and must have boxes
	}{
		"one-by-one-person-detection.mp4": {
			empty:  []stretch{{1.2, 5}, {20.6, 21.4}, {45.4, 49.6}, {70.4, 73}, {87.6, 90.4}, {120.8, 122.4}, {137, 139}},
			moving: []stretch{{6, 10}, {18, 19}, {22.8, 28}, {43.4, 44.6}, {50.2, 56}, {74.6, 80}, {92.2, 96}, {118, 118.8}, {124, 126}},
			most:   0.03, least: 0.98,
		},
		"car-detection.mp4": {
			empty:  []stretch{{1.2, 4.2}, {10, 14}, {20.2, 25}, {28.4, 30}},
			moving: []stretch{{4.6, 8}, {14.8, 18}, {25.6, 27.6}},
			most:   0, least: 1,
		},
		"vtest.avi": {moving: []stretch{{1.2, 79}}, least: 1},
		"bottle-detection.mp4": {
			empty:  []stretch{{2.5, 4.8}, {12.9, 15}, {38.6, 40}},
			moving: []stretch{{5.8, 6.8}, {11, 12.4}, {15.8, 17}},
			most:   0.2, least: 0.9,
		},
	} {
		t.Run(clip, func(t *testing.T) {
			t.Parallel()
			boxes := play(t, filepath.Join(data, "footage", clip))
			still, seen := count(boxes, c.empty), count(boxes, c.moving)
			t.Logf("empty: boxes in %.3f of the frames; moving: in %.3f", still, seen)
			require.LessOrEqual(t, still, c.most)
			require.GreaterOrEqual(t, seen, c.least)
			if clip == "vtest.avi" { // some five to ten people, the farthest a tenth of the height
				sum := 0
				for _, n := range boxes {
					sum += n
				}
				require.Greater(t, float64(sum)/float64(len(boxes)), 4.0)
			}
		})
	}
}

// play returns how many boxes each frame has, by its time in seconds.
func play(t *testing.T, path string) map[float64]int {
	boxes, d := map[float64]int{}, motion.New(motion.Config{})
	err := capture.Run(t.Context(), capture.Config{URL: path, FPS: 5, Pace: capture.FullSpeed, Log: slog.New(slog.DiscardHandler)},
		func(f *event.Frame) { boxes[f.Offset.Seconds()] = len(d.Observe(f).Boxes) })
	require.NoError(t, err)
	return boxes
}

// count is the part of the frames in some stretches that have boxes.
func count(boxes map[float64]int, stretches []stretch) float64 {
	with, all := 0, 0
	for at, n := range boxes {
		for _, s := range stretches {
			if at < s.from || at > s.to {
				continue
			}
			all++
			if n > 0 {
				with++
			}
		}
	}
	return float64(with) / float64(max(1, all))
}
