package capture

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

func TestFileEveryFrame(t *testing.T) {
	t.Parallel()
	for name, codec := range map[string][]string{
		"h264 with B-frames": {"-c:v", "libx264", "-bf", "3", "clip.mp4"},
		"h264 in matroska":   {"-c:v", "libx264", "clip.mkv"},
		"mpeg4 in avi":       {"-c:v", "mpeg4", "clip.avi"},
		"mjpeg in avi":       {"-c:v", "mjpeg", "clip.avi"},
		"transport stream":   {"-c:v", "libx264", "-f", "mpegts", "clip.ts"},
		"gif":                {"-pix_fmt", "pal8", "clip.gif"},
	} {
		t.Run(name, func(t *testing.T) {
			last := len(codec) - 1
			clip := makeClip(t, codec[last], append(scene("10", "2"), codec[:last]...)...)
			before := time.Now()
			frames, err := all(t, Config{URL: clip, Pace: FullSpeed})
			require.NoError(t, err)
			require.Len(t, frames, 20)
			for i, f := range frames {
				require.EqualValues(t, i, f.Sequence)
				require.Equal(t, 320, f.Width)
				require.Equal(t, 240, f.Height)
				require.Len(t, f.Pix, 320*240*3)
				require.Equal(t, time.Duration(i)*100*time.Millisecond, f.Offset)
				require.Equal(t, f.Offset, f.Time.Sub(frames[0].Time))
				require.InDelta(t, 4*(i+1), squareX(f), 2, "frame %d shows its own picture", i)
			}
			require.WithinRange(t, frames[0].Time, before, time.Now())
		})
	}
}

// TestFileColors checks the order of channels and rows against known colors.
func TestFileColors(t *testing.T) {
	t.Parallel()
	picture := makeClip(t, "colors.png", "-f", "lavfi", "-i",
		"color=red:s=37x20,format=rgb24,drawbox=x=0:y=10:w=37:h=10:color=0x0000ff:t=fill", "-frames:v", "1")
	frames, err := all(t, Config{URL: picture, Pace: FullSpeed})
	require.NoError(t, err)
	require.Len(t, frames, 1)
	f := frames[0]
	require.Equal(t, 37, f.Width, "a width whose rows need padding")
	require.Equal(t, 20, f.Height)
	require.Equal(t, []byte{0, 0, 255}, f.Pix[:3], "the top is red, in BGR")
	require.Equal(t, f.Pix[:3], f.Pix[(9*37+36)*3:][:3])
	bottom := f.Pix[(10*37)*3:][:3]
	require.InDelta(t, 255, bottom[0], 2, "the bottom is blue, in BGR")
	require.Equal(t, bottom, f.Pix[len(f.Pix)-3:])
}

func TestFileThinnedAndScaled(t *testing.T) {
	t.Parallel()
	clip := makeClip(t, "clip.mp4", scene("30", "2")...)
	frames, err := all(t, Config{URL: clip, Pace: FullSpeed, FPS: 5, MaxWidth: 160})
	require.NoError(t, err)
	require.InDelta(t, 10, len(frames), 1)
	for i, f := range frames {
		require.Equal(t, 160, f.Width)
		require.Equal(t, 120, f.Height)
		n := int((f.Offset*30 + time.Second/2) / time.Second) // index in the clip
		require.InDelta(t, 4*(n+1), 2*squareX(f), 3, "frame %d still carries its own time %s", i, f.Offset)
	}

	frames, err = all(t, Config{URL: clip, Pace: FullSpeed, FPS: 100, MaxWidth: 5000})
	require.NoError(t, err)
	require.Len(t, frames, 60, "frames are never doubled")
	require.Equal(t, 320, frames[0].Width, "frames are never scaled up")
}

func TestFileVariableRate(t *testing.T) {
	t.Parallel()
	clip := makeClip(t, "clip.mkv", "-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=2",
		"-vf", "select='not(mod(n,7))+gt(n,15)'", "-fps_mode", "passthrough")
	frames, err := all(t, Config{URL: clip, Pace: FullSpeed})
	require.NoError(t, err)
	require.Equal(t, probeTimes(t, clip), offsets(frames))
}

// probeTimes asks ffprobe, as an independent witness, for the times of frames.
func probeTimes(t *testing.T, path string) []int64 {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-select_streams", "V:0",
		"-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0", path).Output()
	require.NoError(t, err)
	var times []int64
	for _, line := range strings.Fields(string(out)) {
		seconds, err := strconv.ParseFloat(strings.Trim(line, ","), 64)
		require.NoError(t, err)
		times = append(times, int64(seconds*1000+0.5))
	}
	return times
}

func offsets(frames []*event.Frame) []int64 {
	ms := make([]int64, len(frames))
	for i, f := range frames {
		ms[i] = f.Offset.Milliseconds()
	}
	return ms
}

func TestFileRotated(t *testing.T) {
	plain := makeClip(t, "plain.mp4", scene("10", "1")...)
	rotated := makeClip(t, "rotated.mp4", "-i", plain, "-c", "copy", "-metadata:s:v", "rotate=90")
	frames, err := all(t, Config{URL: rotated, Pace: FullSpeed})
	require.NoError(t, err)
	require.Equal(t, 240, frames[0].Width, "a phone's clip stands upright")
	require.Equal(t, 320, frames[0].Height)
}

func TestFileRealTime(t *testing.T) {
	t.Parallel()
	clip := makeClip(t, "clip.mp4", scene("20", "1")...)
	began := time.Now()
	frames, err := all(t, Config{URL: "file://" + clip})
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), 950*time.Millisecond)
	require.NotEmpty(t, frames)
	require.Equal(t, 950*time.Millisecond, frames[len(frames)-1].Offset, "the last frame is always delivered")
}

func TestSlowHandlerGetsNewestFrame(t *testing.T) {
	t.Parallel()
	clip := makeClip(t, "clip.mp4", scene("25", "2")...)
	var frames []*event.Frame
	var lag time.Duration
	err := Run(t.Context(), Config{URL: clip, Log: discard()}, func(f *event.Frame) {
		lag = max(lag, time.Since(f.Time))
		frames = append(frames, f)
		time.Sleep(400 * time.Millisecond)
	})
	require.NoError(t, err)
	require.Less(t, len(frames), 45)
	require.EqualValues(t, 49, frames[len(frames)-1].Sequence, "dropped frames count too")
	// Without dropping, the last of 50 frames would come 18 seconds late.
	require.Less(t, lag, 15*time.Second)
}

func TestFileLoops(t *testing.T) {
	t.Parallel()
	clip := makeClip(t, "clip.mp4", scene("10", "1")...)
	r := start(t, Config{URL: clip, Pace: FullSpeed, Loop: true})
	for i := range 35 {
		f := r.frame()
		require.EqualValues(t, i, f.Sequence)
		require.Equal(t, time.Duration(i)*100*time.Millisecond, f.Offset, "time goes on over the seam")
	}
	r.cancel()
	require.NoError(t, <-r.result)
}

func TestStates(t *testing.T) {
	clip := makeClip(t, "clip.mp4", scene("10", "1")...)
	r := start(t, Config{URL: clip, Pace: FullSpeed})
	require.NoError(t, <-r.result)
	close(r.states)
	var got []string
	for s := range r.states {
		got = append(got, s)
	}
	require.Equal(t, []string{"connecting", "running", "ended"}, got)
}

func TestPictures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, size := range map[string]string{"b.png": "40x30", "a.JPG": "60x40", "c%03d.webp": "20x20", "d.bmp": "30x30"} {
		render(t, filepath.Join(t.TempDir(), "p"+strings.ToLower(filepath.Ext(name))),
			"-f", "lavfi", "-i", "testsrc=s="+size, "-frames:v", "1")
		made := render(t, filepath.Join(t.TempDir(), "p"+strings.ToLower(filepath.Ext(name))),
			"-f", "lavfi", "-i", "testsrc=s="+size, "-frames:v", "1")
		require.NoError(t, os.Rename(made, filepath.Join(dir, name)))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bad.png"), []byte("not a picture"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("hello"), 0o600))

	frames, err := all(t, Config{URL: dir, Pace: FullSpeed, FPS: 2, MaxWidth: 40})
	require.NoError(t, err)
	var sizes [][2]int
	for _, f := range frames {
		sizes = append(sizes, [2]int{f.Width, f.Height})
	}
	require.Equal(t, [][2]int{{40, 27}, {40, 30}, {20, 20}, {30, 30}}, sizes, "by name, each at its own size, the bad one left out")
	require.Equal(t, []int64{0, 500, 1000, 1500}, offsets(frames))

	r := start(t, Config{URL: filepath.Join(dir, "b.png"), Pace: FullSpeed, Loop: true})
	for i := range 3 {
		require.Equal(t, time.Duration(i)*time.Second, r.frame().Offset)
	}
}
