//go:build cgo

package main

import (
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/inspect"
	"porchlight/internal/vision/visiontest"
)

func TestCameraCheckPrintsASummaryLast(t *testing.T) {
	dir := syntheticDir(t)
	clip := walkClip(t, filepath.Join(dir, "door.mkv"))
	r := porchlight(t, "camera", "check", "--json", "--for", "5s", "--models", dir, "--model", visiontest.Model, clip)
	require.Equal(t, 0, r.code, r.stderr)
	list := lines[checkLine](t, r)
	last := list[len(list)-1].Summary
	require.NotNil(t, last)
	require.Equal(t, []any{clip, visiontest.Model, 320, 240}, []any{last.Source, last.Model, last.Width, last.Height})
	require.InDelta(t, 26, last.Frames, 1)
	require.Equal(t, 1, last.Events)
	for _, l := range list[:len(list)-1] {
		require.Nil(t, l.Summary)
	}
}

func TestCameraCheckSaysWhatItSeesAndWhatNot(t *testing.T) {
	dir := syntheticDir(t)
	clip, settings := walkClip(t, filepath.Join(dir, "door.mkv")), filepath.Join(dir, "door.yaml")
	picture := filepath.Join(dir, "seen.jpg")
	check := func(text string) (seen []inspect.Object, ignored []inspect.Ignored) {
		require.NoError(t, os.WriteFile(settings, []byte(text), 0o644))
		r := porchlight(t, "camera", "check", "--json", "--config", settings, "--save", picture, "--models", dir, "--model", visiontest.Model, clip)
		require.Equal(t, 0, r.code, r.stderr)
		for _, l := range lines[checkLine](t, r) {
			if l.Seen != nil {
				seen = append(seen, *l.Seen)
			}
			if l.Ignored != nil {
				ignored = append(ignored, *l.Ignored)
			}
		}
		return seen, ignored
	}
	seen, ignored := check("zones: {lawn: {polygon: [[0,0.4],[1,0.4],[1,1],[0,1]]}, roof: {polygon: [[0,0],[1,0],[1,0.3]]}}\n")
	require.Len(t, seen, 1)
	require.Equal(t, []any{"person", "true"}, []any{seen[0].Label, seen[0].State})
	require.Equal(t, []string{"lawn"}, seen[0].Zones)
	require.Empty(t, ignored)
	file, err := os.Open(picture)
	require.NoError(t, err)
	defer file.Close()
	shown, err := jpeg.Decode(file)
	require.NoError(t, err)
	require.Equal(t, image.Pt(320, 240), shown.Bounds().Size())

	seen, ignored = check("object_masks: [{polygon: [[0,0.4],[1,0.4],[1,1],[0,1]]}]\n")
	require.Empty(t, seen)
	require.NotEmpty(t, ignored)
	require.Contains(t, ignored[0].Reason, "object mask 1")
}

func TestCameraCheckForPeople(t *testing.T) {
	box := event.Box{X0: .1, Y0: .2, X1: .3, Y1: .4}
	report := &inspect.Report{
		Width: 640, Height: 360, Frames: 50, Rate: 5, Seconds: 10, Moving: 7, MostArea: .031, Looked: 9, Settling: 2, Events: 1,
		Objects: []inspect.Object{{Track: 3, Label: "person", Score: .91, Box: box, Zones: []string{"path", "porch"}, Frames: 8, State: "true"}},
		Ignored: []inspect.Ignored{{Label: "cat", Score: .4, Box: box, Reason: "in object mask 1", Frames: 5}},
	}
	for range 20 {
		report.Motion = append(report.Motion, inspect.Motion{Box: box, Frames: 4})
	}
	out := &result{}
	require.NoError(t, tellCheck(writerTo{&out.stdout}, checkSummary{Source: "rtsp://***@192.0.2.1/x", Model: "m", Picture: "p.jpg", Report: report}))
	for _, want := range []string{
		"rtsp://***@192.0.2.1/x", "640x360, 5.0 a second", "3.1 % of the picture", "#3 person  0.91", "0.10,0.20 – 0.30,0.40",
		"path, porch", "in object mask 1", "and 8 more", "saved p.jpg",
	} {
		require.Contains(t, out.stdout, want)
	}
	out.stdout = ""
	require.NoError(t, tellCheck(writerTo{&out.stdout}, checkSummary{Report: &inspect.Report{}}))
	require.Contains(t, out.stdout, "Nothing seen.")
}

type writerTo struct{ text *string }

func (w writerTo) Write(p []byte) (int, error) {
	*w.text += string(p)
	return len(p), nil
}

func TestCameraCheckRefusesWhatMakesNoSense(t *testing.T) {
	dir := syntheticDir(t)
	for _, args := range [][]string{{}, {""}, {"--for", "0s", "x.mp4"}, {"--save", "x.png", "x.mp4"}, {"--min-score", "2", "x.mp4"}} {
		r := porchlight(t, append([]string{"camera", "check", "--models", dir}, args...)...)
		require.Equal(t, 2, r.code, "%v: %s", args, r.stderr)
		require.Contains(t, r.stderr, "--help")
	}
	source := filepath.Join(dir, "a.jpg")
	require.NoError(t, os.WriteFile(source, []byte("x"), 0o644))
	r := porchlight(t, "camera", "check", "--save", source, "--models", dir, source)
	require.Equal(t, 2, r.code)
	r = porchlight(t, "camera", "check", "--models", dir, "--model", visiontest.Model, filepath.Join(dir, "absent.mp4"))
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "absent.mp4")
	require.Empty(t, r.stdout)
}
