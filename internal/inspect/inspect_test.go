package inspect

import (
	"context"
	"image/png"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/capture"
	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/vision/visiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// blind finds nothing.
type blind struct{}

func (blind) Detect(ctx context.Context, _ *event.Frame) ([]event.Detection, error) {
	return nil, ctx.Err()
}

func look(source string) Config {
	return Config{
		Source: source, Settings: config.CameraDefaults(), Detector: blind{}, Model: "none", MinScore: 0.5,
		For: 2 * time.Second, Log: slog.New(slog.DiscardHandler),
	}
}

// pictures is a folder of n pictures.
func pictures(t *testing.T, n int) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: make deps installs it")
	}
	dir := t.TempDir()
	for i := range n {
		file, err := os.Create(filepath.Join(dir, string(rune('a'+i))+".png"))
		require.NoError(t, err)
		require.NoError(t, png.Encode(file, visiontest.Scene(64, 48)))
		require.NoError(t, file.Close())
	}
	return dir
}

func TestALookTakesItsTime(t *testing.T) {
	dir := pictures(t, 20)
	r, err := Run(t.Context(), look(dir))
	require.NoError(t, err)
	require.Empty(t, r.Fault)
	require.Equal(t, 11, r.Frames, "two seconds at five a second, both ends included")
	require.Equal(t, []int{64, 48}, []int{r.Width, r.Height})
	require.InDelta(t, 5, r.Rate, 0.01)

	few := look(pictures(t, 3))
	r, err = Run(t.Context(), few)
	require.NoError(t, err)
	require.Equal(t, 3, r.Frames, "a source may end before")
}

func TestASourceThatCannotBeUsedSaysWhy(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: make deps installs it")
	}
	_, err := Run(t.Context(), look(filepath.Join(t.TempDir(), "absent.mp4")))
	require.ErrorIs(t, err, capture.ErrNotFound)

	// A live source is tried once, not for ever.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	_, err = Run(t.Context(), look("rtsp://user:secret@"+listener.Addr().String()+"/x"))
	require.ErrorContains(t, err, "check that it is switched on")
	require.NotContains(t, err.Error(), "secret")

	private := look("x")
	private.Settings.Privacy = true
	_, err = Run(t.Context(), private)
	require.ErrorIs(t, err, ErrPrivate)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Run(ctx, look(pictures(t, 3)))
	require.ErrorIs(t, err, context.Canceled)
}
