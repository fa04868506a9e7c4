package edge

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
)

type fragileDetector struct{ broken atomic.Bool }

func (d *fragileDetector) Detect(context.Context, *event.Frame) ([]event.Detection, error) {
	if d.broken.Load() {
		return nil, errors.New("model cannot be used: choose another model")
	}
	return nil, nil
}

// flicker is a folder of pictures in which everything moves all the time.
func flicker(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, shade := range map[string]uint8{"1.png": 0, "2.png": 255} {
		picture := image.NewGray(image.Rect(0, 0, 160, 90))
		draw.Draw(picture, picture.Bounds(), image.NewUniform(color.Gray{Y: shade}), image.Point{}, draw.Src)
		f, err := os.Create(filepath.Join(dir, name))
		require.NoError(t, err)
		require.NoError(t, png.Encode(f, picture))
		require.NoError(t, f.Close())
	}
	return dir
}

// Frames that arrive and cannot be looked at are no running camera.
func TestABlindCameraSaysSo(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: make deps installs it")
	}
	detector, log := &fragileDetector{}, slog.New(slog.DiscardHandler)
	detector.broken.Store(true)
	board := newStatusBoard("home", "1", event.Detector{}, log)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		runCamera(ctx, config.Camera{Source: flicker(t), FPS: 20, MaxWidth: 320, Loop: true, Quiet: time.Second}, cameraDeps{
			id: "home.door", minScore: 0.5, detector: detector, sink: testUplink(t, t.TempDir()), board: board, log: log,
		})
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	becomes := func(want event.CameraStatus) {
		t.Helper()
		require.Eventually(t, func() bool {
			board.mu.Lock()
			defer board.mu.Unlock()
			return board.cameras["home.door"] == want
		}, patience, 10*time.Millisecond)
	}
	becomes(event.CameraStatus{
		Camera: "home.door", State: event.CameraFailed, Message: "detect: model cannot be used: choose another model",
	})
	detector.broken.Store(false)
	becomes(event.CameraStatus{Camera: "home.door", State: event.CameraRunning})
}

// What is missing of a camera that runs is said as long as it does; what is
// wrong with the camera itself comes first.
func TestNotesOfCamerasThatRun(t *testing.T) {
	t.Parallel()
	b := newStatusBoard("home", "1", event.Detector{}, slog.New(slog.DiscardHandler))
	message := func() string { return b.status(event.Online).Cameras[0].Message }
	b.set("home.door", event.CameraRunning, "")
	b.note(aboutVideo)("home.door", "video is not recorded: no room")
	require.Equal(t, "video is not recorded: no room", message())
	b.set("home.door", event.CameraFailed, "camera cannot be reached")
	require.Equal(t, "camera cannot be reached", message())
	b.set("home.door", event.CameraRunning, "")
	require.Equal(t, "video is not recorded: no room", message())
	b.note(aboutVideo)("home.door", "")
	require.Empty(t, message())
	b.note(aboutVideo)("home.door", "again")
	b.keep(func(string) bool { return false })
	b.set("home.door", event.CameraRunning, "")
	require.Empty(t, message(), "it is another camera of the same name")
}
