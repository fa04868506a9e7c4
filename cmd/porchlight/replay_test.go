//go:build cgo

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/replay"
	"porchlight/internal/vision/visiontest"
)

// walkClip makes a clip in which a person comes after two seconds, crosses the
// scene in four and is gone for two.
func walkClip(t *testing.T, path string) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: make deps installs it")
	}
	var raw bytes.Buffer
	for i := range 80 {
		var objects []visiontest.Object
		if i >= 20 && i < 60 {
			objects = append(objects, visiontest.Object{Label: "person", X: 0.02 * float64(i-20), Y: 0.4})
		}
		raw.Write(visiontest.Scene(320, 240, objects...).Pix)
	}
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24",
		"-s", "320x240", "-r", "10", "-i", "-", "-c:v", "mjpeg", "-q:v", "2", path)
	cmd.Stdin = &raw
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// replayLine is any line that replay --json prints.
type replayLine struct {
	replay.Event
	Summary *replay.Summary `json:"summary"`
}

func TestReplayPrintsEventsAndASummary(t *testing.T) {
	dir := syntheticDir(t)
	clip := walkClip(t, filepath.Join(dir, "door.mkv"))
	r := porchlight(t, "replay", "--json", "--models", dir, "--model", visiontest.Model, clip)
	require.Equal(t, 0, r.code, r.stderr)
	require.Empty(t, r.stderr)
	list := lines[replayLine](t, r)
	last := list[len(list)-1].Summary
	require.NotNil(t, last)
	require.InDelta(t, 40, last.Frames, 2)
	require.Positive(t, last.Inferences)
	require.Positive(t, last.CPU)
	require.Positive(t, last.Wall)
	require.Positive(t, last.Memory)
	ended := 0
	for _, l := range list[:len(list)-1] {
		require.Nil(t, l.Summary)
		require.Equal(t, clip, l.File)
		require.Equal(t, visiontest.Model, l.Model)
		require.InDelta(t, 2, l.Start, 1.5)
		if l.State == event.Ended {
			ended++
			require.InDelta(t, 6, *l.End, 1.5)
		}
	}
	require.Equal(t, 1, ended)

	r = porchlight(t, "replay", "--models", dir, "--model", visiontest.Model, clip)
	require.Equal(t, 0, r.code, r.stderr)
	said := strings.Split(strings.TrimSpace(r.stdout), "\n")
	require.Len(t, said, 2, r.stdout)
	require.Contains(t, said[0], "person 9")
	require.Contains(t, said[1], "1 events, ")
}

func TestReplayTakesTheSettingsOfACamera(t *testing.T) {
	dir := syntheticDir(t)
	clip := walkClip(t, filepath.Join(dir, "door.mkv"))
	file := filepath.Join(dir, "door.yaml")
	require.NoError(t, os.WriteFile(file, []byte("fps: 2\nlabels: [car]\n"), 0o644))
	frames := func(args ...string) (n int64, events int64) {
		r := porchlight(t, append([]string{"replay", "--json", "--models", dir, "--model", visiontest.Model, "--config", file}, args...)...)
		require.Equal(t, 0, r.code, r.stderr)
		list := lines[replayLine](t, r)
		return list[len(list)-1].Summary.Frames, list[len(list)-1].Summary.Events
	}
	n, events := frames(clip)
	require.InDelta(t, 16, n, 1)
	require.Zero(t, events, "only cars are wanted")
	n, _ = frames("--fps", "4", clip)
	require.InDelta(t, 32, n, 1)

	for text, want := range map[string]string{"fsp: 2\n": "fsp", "- a\n": "[1:1]", "zones: {a: {polygon: [[0,0]]}}": "zones.a"} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		r := porchlight(t, "replay", "--config", file, clip)
		require.Equal(t, 1, r.code)
		require.Contains(t, r.stderr, file)
		require.Contains(t, r.stderr, want)
	}
	r := porchlight(t, "replay", "--config", filepath.Join(dir, "absent.yaml"), clip)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "absent.yaml")
}

func TestReplayMakesAnnotatedVideo(t *testing.T) {
	dir := syntheticDir(t)
	a, b := walkClip(t, filepath.Join(dir, "a.mkv")), walkClip(t, filepath.Join(dir, "b.mkv"))
	out := filepath.Join(dir, "films") + "/"
	r := porchlight(t, "replay", "--json", "--together", "--annotate", out, "--models", dir, "--model", visiontest.Model, a, b)
	require.Equal(t, 0, r.code, r.stderr)
	list := lines[replayLine](t, r)
	for i, name := range []string{"a.mp4", "b.mp4"} {
		film := filepath.Join(dir, "films", name)
		require.Equal(t, film, list[len(list)-1].Summary.Clips[i].Film)
		frames, marked := 0, 0
		require.NoError(t, openVideo(t.Context(), film, func(f *event.Frame) error {
			frames++
			// The clock's dark ground is in every picture; the scene there is gray.
			if p := f.Pix[((f.Height-2)*f.Width+f.Width-1)*3]; p < 100 {
				marked++
			}
			require.Equal(t, [2]int{320, 240}, [2]int{f.Width, f.Height})
			return nil
		}))
		require.InDelta(t, 40, frames, 2)
		require.Equal(t, frames, marked)
	}
}

func TestReplayReportsBadFilesAndDoesTheOthers(t *testing.T) {
	dir := syntheticDir(t)
	clip := walkClip(t, filepath.Join(dir, "door.mkv"))
	absent := filepath.Join(dir, "absent.mp4")
	r := porchlight(t, "replay", "--together", "--models", dir, "--model", visiontest.Model, absent, clip)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, absent)
	require.Contains(t, r.stderr, "1 of 2 files")
	require.Contains(t, r.stdout, clip+"  ")
}

func TestReplayRefusesWhatMakesNoSense(t *testing.T) {
	dir := syntheticDir(t)
	clip := filepath.Join(dir, "door.mp4")
	require.NoError(t, os.WriteFile(clip, []byte("x"), 0o644))
	for _, args := range [][]string{
		{}, {""}, {"rtsp://user:secret@192.0.2.1/x"}, {"/dev/video0"}, {"--fps", "-1", clip}, {"--fps", "NaN", clip},
		{"--min-score", "0", clip}, {"--loop", "-1s", clip}, {"--annotate", clip, clip}, {"--annotate", "out.avi", clip},
		{"--model", "resnet", clip},
	} {
		r := porchlight(t, append([]string{"replay", "--models", dir}, args...)...)
		require.Equal(t, 2, r.code, "%v: %s", args, r.stderr)
		require.Contains(t, r.stderr, "--help")
		require.NotContains(t, r.stderr, "secret")
	}
}

func TestClock(t *testing.T) {
	require.Equal(t, "0:00.0 1:05.3 61:00.0", fmt.Sprint(clock(0), " ", clock(65.26), " ", clock(3659.96)))
}
