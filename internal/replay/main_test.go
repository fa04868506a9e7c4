package replay

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/vision/visiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// redDetector finds the red there is, as one person.
type redDetector struct{ calls int }

func (d *redDetector) Detect(ctx context.Context, f *event.Frame) ([]event.Detection, error) {
	d.calls++
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	x0, y0, x1, y1 := f.Width, f.Height, 0, 0
	for i := 0; i < len(f.Pix); i += 3 {
		if f.Pix[i] < 90 && f.Pix[i+1] < 90 && f.Pix[i+2] > 180 {
			x, y := i/3%f.Width, i/3/f.Width
			x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x+1), max(y1, y+1)
		}
	}
	if x0 >= x1 {
		return nil, nil
	}
	w, h := float64(f.Width), float64(f.Height)
	box := event.Box{X0: float64(x0) / w, Y0: float64(y0) / h, X1: float64(x1) / w, Y1: float64(y1) / h}
	return []event.Detection{{Label: "person", Score: 0.9, Box: box}}, nil
}

// When the person of a clip comes and goes, and how long it is, in seconds.
const (
	comes  = 3
	goes   = 8
	length = 10
	rate   = 10 // frames a second
)

// walk makes a clip in which a person crosses an empty scene.
func walk(t *testing.T, name string) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: make deps installs it")
	}
	const width, height = 320, 240
	var raw bytes.Buffer
	for i := range length * rate {
		var objects []visiontest.Object
		if i >= comes*rate && i < goes*rate {
			objects = append(objects, visiontest.Object{Label: "person", X: 0.8 * float64(i-comes*rate) / ((goes - comes) * rate), Y: 0.4})
		}
		raw.Write(visiontest.Scene(width, height, objects...).Pix)
	}
	path := filepath.Join(t.TempDir(), name)
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24",
		"-s", fmt.Sprintf("%dx%d", width, height), "-r", fmt.Sprint(rate), "-i", "-", "-c:v", "mjpeg", "-q:v", "3", path)
	cmd.Stdin = &raw
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

func settings() config.Camera { return config.CameraDefaults() }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func write(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}
