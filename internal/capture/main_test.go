package capture

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/capture/simulator"
	"porchlight/internal/event"
	"porchlight/internal/logtest"
)

// TestMain lets more tests run at once than there are processors: most wait
// for a film to play.
func TestMain(m *testing.M) {
	testing.Init()
	_ = flag.Set("test.parallel", "6") // unless the command line says otherwise
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if left := children(); len(left) > 0 && code == 0 {
			fmt.Fprintln(os.Stderr, "ffmpeg processes are left:", left)
			code = 1
		}
		os.Exit(code) //nolint:forbidigo // as TestMain does
	}))
}

// patience bounds waits that end early when all is well.
const patience = 60 * time.Second

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// logTo collects logs for tests that look at them.
type logTo = logtest.Memory

// makeClip renders a synthetic video with ffmpeg: a white square that moves
// over black, one pixel to the right a frame from x=0.
func makeClip(t testing.TB, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	return render(t, path, args...)
}

func render(t testing.TB, path string, args ...string) string {
	t.Helper()
	args = append([]string{"-hide_banner", "-v", "error", "-nostdin", "-y"}, append(args, path)...)
	out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// scene is the lavfi input of a 320x240 clip with a square moving 4 pixels a frame.
func scene(fps, seconds string) []string {
	return []string{"-f", "lavfi", "-i", "color=black:s=320x240:r=" + fps + ":d=" + seconds,
		"-f", "lavfi", "-i", "color=white:s=16x16:r=" + fps + ":d=" + seconds,
		"-filter_complex", "[0][1]overlay=x='n*4':y=100,format=yuv420p"}
}

// squareX finds the left edge of the white square, -1 if there is none.
func squareX(f *event.Frame) int {
	y := 108 * f.Height / 240
	for x := range f.Width {
		if f.Pix[(y*f.Width+x)*3] > 128 {
			return x
		}
	}
	return -1
}

// testdata returns a path in the footage folder or skips the test.
func testdata(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("PORCHLIGHT_TESTDATA")
	if root == "" {
		t.Skip("PORCHLIGHT_TESTDATA is not set: no real footage to test with")
	}
	if !filepath.IsAbs(root) {
		root = filepath.Join("..", "..", root)
	}
	return filepath.Join(root, "footage", name)
}

// running is a camera under test.
type running struct {
	t      testing.TB
	frames chan *event.Frame
	states chan string
	result chan error
	cancel context.CancelFunc
}

// start runs a source in the background until the test ends.
func start(t testing.TB, cfg Config) *running {
	t.Helper()
	if cfg.Log == nil {
		cfg.Log = discard()
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{t: t, frames: make(chan *event.Frame, 10000), states: make(chan string, 1000), result: make(chan error, 1), cancel: cancel}
	cfg.OnState = func(s event.CameraState, message string) {
		r.states <- strings.TrimSpace(string(s) + " " + message)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.result <- Run(ctx, cfg, func(f *event.Frame) { r.frames <- f })
	}()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

// frame waits for the next frame.
func (r *running) frame() *event.Frame {
	r.t.Helper()
	select {
	case f := <-r.frames:
		return f
	case err := <-r.result:
		r.t.Fatalf("ended instead of a frame: %v", err)
	case <-time.After(patience):
		r.t.Fatal("no frame")
	}
	return nil
}

// state waits for a state that contains text.
func (r *running) state(text string) string {
	r.t.Helper()
	deadline := time.After(patience)
	var seen []string
	for {
		select {
		case s := <-r.states:
			if strings.Contains(s, text) {
				return s
			}
			seen = append(seen, s)
		case <-deadline:
			r.t.Fatalf("no state %q, only %q", text, seen)
		}
	}
}

// all plays a file to its end.
func all(t testing.TB, cfg Config) ([]*event.Frame, error) {
	t.Helper()
	if cfg.Log == nil {
		cfg.Log = discard()
	}
	var frames []*event.Frame
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := Run(ctx, cfg, func(f *event.Frame) { frames = append(frames, f) })
	require.NoError(t, ctx.Err(), "the source did not end by itself")
	return frames, err
}

func simulate(t testing.TB, cfg simulator.Config) *simulator.Camera {
	t.Helper()
	cfg.Log = discard()
	cam, err := simulator.New(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(cam.Close)
	return cam
}
