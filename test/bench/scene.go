package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"porchlight/internal/config"
	"porchlight/test/footage/truth"
)

// scene is a video as one camera sees it.
type scene struct {
	file     string
	settings config.Camera
	truth    *truth.Clip // nil: unknown
	lead     float64     // seconds of the file before the time line of the truth begins
}

// label is what the camera's owner calls what the model says; empty where it
// is not wanted.
func (s scene) label(found string) string {
	if alias, known := s.settings.Aliases[found]; known {
		found = alias
	}
	if !slices.Contains(s.settings.Labels, found) {
		return ""
	}
	return found
}

// annotated is a real clip with the settings its camera has and what a person
// has seen on it.
func (f *footage) annotated(name string) (scene, error) {
	s := scene{file: filepath.Join(f.folder, name)}
	var err error
	if s.settings, err = f.settings(name); err == nil {
		s.truth, err = truth.LoadClip(f.annotations, name)
	}
	return s, err
}

// settings are those of test/footage/settings, or the defaults.
func (f *footage) settings(name string) (config.Camera, error) {
	data, err := os.ReadFile(filepath.Join(f.checkout, "test", "footage", "settings", name+".yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		return config.CameraDefaults(), nil
	}
	if err != nil {
		return config.Camera{}, err
	}
	return config.ParseCamera(data)
}

// A day in small: the first seconds of a clip are a tenth of it, and the rest
// is what its camera sees before anybody comes, with a sensor's noise.
const (
	stillAt   = 2.0 // seconds into the clip, when nobody is in view
	stillPart = 0.9
	noise     = 6 // strength of ffmpeg's noise filter
)

// day makes the day of a clip of which seconds are shown.
func (f *footage) day(ctx context.Context, dir string, s scene, rate, seconds float64) (scene, error) {
	still := filepath.Join(dir, "day.png")
	if err := ffmpeg(ctx, nil, "-ss", fmt.Sprint(stillAt), "-i", s.file, "-frames:v", "1", still); err != nil {
		return s, err
	}
	total := seconds / (1 - stillPart)
	before := total / 3
	out := s
	out.file, out.lead = filepath.Join(dir, "day-"+filepath.Base(s.file)), before
	if s.truth != nil {
		cut := *s.truth
		cut.Happenings = slices.DeleteFunc(slices.Clone(cut.Happenings), func(h truth.Happening) bool { return h.End > seconds })
		out.truth = &cut
	}
	rest := func(length float64) []string {
		return []string{"-loop", "1", "-framerate", fmt.Sprint(rate), "-t", fmt.Sprint(length), "-i", still}
	}
	args := slices.Concat(rest(before), []string{"-t", fmt.Sprint(seconds), "-i", s.file}, rest(total-before-seconds), []string{
		"-filter_complex", fmt.Sprintf(
			"[0:v]noise=alls=%[1]d:allf=t,format=yuv420p,setsar=1[a];[1:v]fps=%[2]g,format=yuv420p,setsar=1[b];"+
				"[2:v]noise=alls=%[1]d:allf=t,format=yuv420p,setsar=1[c];[a][b][c]concat=n=3[out]", noise, rate),
		"-map", "[out]", "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", out.file,
	})
	return out, ffmpeg(ctx, nil, args...)
}

// noisy makes a still scene of a clip's empty beginning.
func (f *footage) noisy(ctx context.Context, dir string) (scene, error) {
	const rate, seconds = 10, 120
	s := scene{file: filepath.Join(dir, "noisy.mp4"), settings: config.CameraDefaults()}
	still := filepath.Join(dir, "noisy.png")
	if err := ffmpeg(ctx, nil, "-ss", fmt.Sprint(stillAt), "-i", f.clip, "-frames:v", "1", still); err != nil {
		return s, err
	}
	return s, ffmpeg(ctx, nil, "-loop", "1", "-framerate", fmt.Sprint(rate), "-t", fmt.Sprint(seconds), "-i", still,
		"-vf", fmt.Sprintf("noise=alls=%d:allf=t,format=yuv420p", noise), "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", s.file)
}
