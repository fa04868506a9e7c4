package capture

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture/simulator"
)

// visitor is the input of a clip at 25 frames a second: nothing but a little
// noise until a square comes in and moves, for the rest.
func visitor(size string, still, seconds int) []string {
	n, d := strconv.Itoa(still*25), strconv.Itoa(seconds)
	return []string{"-f", "lavfi", "-i", "color=black:s=" + size + ":r=25:d=" + d,
		"-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=" + d,
		"-filter_complex", "[0]noise=alls=3:allf=t[n];[n][1]overlay=x='(n-" + n + ")*2':y=90:enable='gte(n," + n + ")',format=yuv420p"}
}

// asCamera is the options of an encoder like a camera's.
func asCamera() []string {
	return []string{"-preset", "veryfast", "-tune", "zerolatency", "-bf", "0", "-crf", "28"}
}

// TestRest lets a camera rest: it shows keyframes alone until something
// comes, and then that from its beginning, however far the next keyframe is.
func TestRest(t *testing.T) {
	t.Parallel()
	const still, seconds = 9, 11
	clip := makeClip(t, "clip.mp4", append(visitor("320x240", still, seconds), "-crf", "10")...)
	attention := &Attention{}
	attention.SetFull(false)
	var mu sync.Mutex
	var came time.Time // when the visitor was first taken by a camera at rest
	cam := simulate(t, simulator.Config{
		File: clip, KeyInterval: 2 * time.Second, Encoder: asCamera(),
		FrameSent: func(index, _ int, at time.Time) {
			mu.Lock()
			defer mu.Unlock()
			if index == still*25 && came.IsZero() && attention.Stats().Skipped > 20 {
				came = at
			}
		},
	})
	r := start(t, Config{URL: cam.URL(), FPS: 5, Attention: attention})
	var last, gap time.Duration
	for {
		f := r.frame()
		if last > 0 {
			gap = max(gap, f.Offset-last)
		}
		last = f.Offset
		mu.Lock()
		at := came
		mu.Unlock()
		if at.IsZero() || f.Time.Before(at) {
			continue
		}
		require.Less(t, f.Time.Sub(at), time.Second, "its pictures are shown long before the next keyframe")
		break
	}
	require.Greater(t, gap, 1900*time.Millisecond, "it rested")
	stats := attention.Stats()
	require.EqualValues(t, 1, stats.Wakes)
	for range 5 {
		f := r.frame()
		require.InDelta(t, 200*time.Millisecond, f.Offset-last, float64(45*time.Millisecond), "and then 5 a second")
		last = f.Offset
	}
}

// TestRestFootage lets the camera of a real clip rest, in which a person
// comes in after half a minute of an empty room.
func TestRestFootage(t *testing.T) {
	t.Parallel()
	const cut, comes = 30 * time.Second, 43 * time.Second
	clip := makeClip(t, "clip.mp4", "-ss", strconv.Itoa(int(cut.Seconds())), "-t", "16",
		"-i", testdata(t, "one-by-one-person-detection.mp4"), "-an", "-vf", "scale=640:-2,"+noiseReduction, "-crf", "10")
	came := make(chan time.Time, 100)
	cam := simulate(t, simulator.Config{
		File: clip, KeyInterval: 2 * time.Second, Encoder: asCamera(),
		FrameSent: func(index, _ int, at time.Time) {
			if index == int((comes-cut).Seconds()*10) {
				came <- at
			}
		},
	})
	attention := &Attention{}
	attention.SetFull(false)
	r := start(t, Config{URL: cam.URL(), FPS: 5, Attention: attention})
	var at time.Time
	var rested Stats
	for rounds := 0; rested.Skipped <= rested.Fed/2; rounds++ { // more than one where a busy machine connects late
		require.Less(t, rounds, 4, "it rests in the empty room: %+v", rested)
		at = <-came
		rested = attention.Stats()
	}
	f := r.frame()
	for f.Time.Before(at.Add(-10 * time.Millisecond)) {
		f = r.frame()
	}
	require.Less(t, f.Time.Sub(at), time.Second, "pictures of the person are shown long before the next keyframe")
	require.Greater(t, attention.Stats().Wakes, rested.Wakes)
	t.Logf("%+v, woken after %s", rested, time.Since(at))
}
