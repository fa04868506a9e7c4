package replay

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture"
	"porchlight/internal/capture/ffmpeg"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
	"porchlight/internal/track"
	"porchlight/internal/vision/visiontest"
)

func needEncoder(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: make deps installs it")
	}
	require.NoError(t, ffmpeg.CheckEncode(t.Context(), "x.mp4"))
}

// view of a scene at a time, with a track.
func view(width, height int, at time.Duration) *pipeline.View {
	f := visiontest.Scene(width, height)
	f.Offset = at
	return &pipeline.View{Frame: f, Tracks: []track.Track{{ID: 1, Label: "person", Seen: true, True: true, Box: event.Box{X0: .25, Y0: .25, X1: .75, Y1: .75}}}}
}

// play returns the frames of a video.
func play(t *testing.T, path string) (frames []*event.Frame) {
	t.Helper()
	require.NoError(t, capture.Run(t.Context(), capture.Config{URL: path, Pace: capture.FullSpeed, Log: discard()},
		func(f *event.Frame) { frames = append(frames, f) }))
	return frames
}

// The pictures come at uneven times, one of another size and one after a long
// gap, and have odd sides.
func TestAFilmKeepsTheTimesOfItsPictures(t *testing.T) {
	needEncoder(t)
	path := filepath.Join(t.TempDir(), "new", "film.mp4")
	m := newFilm(path, settings())
	for _, at := range []time.Duration{100 * time.Millisecond, 300 * time.Millisecond, 301 * time.Millisecond, time.Second, 2 * time.Second} {
		require.NoError(t, m.show(t.Context(), view(201, 121, at)))
	}
	require.NoError(t, m.show(t.Context(), view(64, 64, 3*time.Second)))
	require.NoError(t, m.show(t.Context(), view(201, 121, time.Hour)))
	require.NoFileExists(t, path, "it gets its name once it is whole")
	require.NoError(t, m.close())
	require.Equal(t, path, m.made)

	frames := play(t, path)
	slots := 3*5 + longestHold*5 // three seconds at five a second, then a gap
	require.InDelta(t, slots, len(frames), 3)
	require.Equal(t, []int{202, 122}, []int{frames[0].Width, frames[0].Height})
	line := func(f *event.Frame) event.Box { // is there a line at the left side of the track?
		i := (60*f.Width + 50) * 3
		return event.Box{X0: float64(f.Pix[i]), Y0: float64(f.Pix[i+1]), X1: float64(f.Pix[i+2])}
	}
	plain := float64(128)
	for _, f := range frames {
		require.Greater(t, abs(line(f).X0-plain)+abs(line(f).Y0-plain)+abs(line(f).X1-plain), 60.0, "the track is drawn")
	}
}

func abs(v float64) float64 { return max(v, -v) }

func TestAFilmThatFailsLeavesTheOldOne(t *testing.T) {
	needEncoder(t)
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "film.mp4"), "old")
	ctx, cancel := context.WithCancel(t.Context())
	m := newFilm(path, settings())
	require.NoError(t, m.show(ctx, view(64, 48, 0)))
	cancel()
	require.ErrorIs(t, m.close(), ffmpeg.ErrFailed)
	old, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(old))
	require.NoFileExists(t, path+".part")

	require.NoError(t, newFilm(path, settings()).close(), "without a picture there is no film")
}

func TestFilmPaths(t *testing.T) {
	dir := t.TempDir()
	a, b := write(t, filepath.Join(dir, "a.mp4"), "a"), write(t, filepath.Join(dir, "b.mkv"), "b")
	for name, c := range map[string]struct {
		out   string
		files []string
		want  string
	}{
		"one":            {"out.mp4", []string{a}, "out.mp4"},
		"several":        {"x/out.mkv", []string{a, b}, "x/out-a.mkv x/out-b.mkv"},
		"same name":      {"out.mp4", []string{"1/a.mp4", "2/a.mp4"}, "out-a.mp4 out-a-2.mp4"},
		"new folder":     {"new/", []string{a}, "new/a.mp4"},
		"there is one":   {t.TempDir(), []string{b, a}, "b.mp4 a.mp4"},
		"folder as clip": {"new/", []string{"pictures/"}, "new/pictures.mp4"},
	} {
		paths, err := FilmPaths(c.out, c.files)
		require.NoError(t, err, name)
		got := strings.TrimPrefix(strings.ReplaceAll(strings.Join(paths, " "), " "+c.out+"/", " "), c.out+"/")
		require.Equal(t, c.want, got, name)
	}
	for _, out := range []string{a, dir, dir + "/./a.mp4"} {
		_, err := FilmPaths(out, []string{b, a})
		if out == dir {
			require.ErrorIs(t, err, ErrFilm, out)
			continue
		}
		require.NoError(t, err, "the name of each clip is put in")
		_, err = FilmPaths(out, []string{a})
		require.ErrorIs(t, err, ErrFilm, out)
	}
	link := filepath.Join(dir, "link.mp4")
	require.NoError(t, os.Symlink(a, link))
	_, err := FilmPaths(link, []string{a})
	require.ErrorIs(t, err, ErrFilm)
}
