package simulator

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/capture/ffmpeg"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func clipFile(t *testing.T, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	args = append([]string{"-v", "error", "-nostdin", "-f", "lavfi", "-i"}, append(args, path)...)
	out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

func TestLoadClip(t *testing.T) {
	file := clipFile(t, "testsrc=s=64x48:r=12.5:d=4", "-bf", "3")
	c, err := loadClip(t.Context(), Config{File: file})
	require.NoError(t, err)
	require.Len(t, c.units, 50)
	require.Equal(t, 4*time.Second, c.length)
	var sps h264.SPS
	require.NoError(t, sps.Unmarshal(c.sps))
	require.Equal(t, 64, sps.Width())
	require.EqualValues(t, 66, sps.ProfileIdc, "baseline")
	lastKey := time.Duration(-1)
	for i, u := range c.units {
		require.Equal(t, time.Duration(i)*80*time.Millisecond, u.pts)
		if h264.IsRandomAccess(u.nals) {
			require.True(t, lastKey < 0 || u.pts-lastKey <= keyInterval+80*time.Millisecond)
			lastKey = u.pts
		}
	}
	require.GreaterOrEqual(t, lastKey, 3*time.Second)
}

func TestOddSizes(t *testing.T) {
	file := clipFile(t, "testsrc=s=65x49:r=5:d=1", "-c:v", "mpeg4")
	c, err := loadClip(t.Context(), Config{File: file})
	require.NoError(t, err)
	require.Len(t, c.units, 5)
}

func TestFrameSent(t *testing.T) {
	type sent struct {
		index, loop int
		at          time.Time
	}
	frames := make(chan sent, 100)
	cam, err := New(t.Context(), Config{
		File: clipFile(t, "testsrc=s=64x48:r=10:d=0.5"), Log: slog.New(slog.DiscardHandler),
		FrameSent: func(index, loop int, at time.Time) { frames <- sent{index, loop, at} },
	})
	require.NoError(t, err)
	defer cam.Close()
	require.Equal(t, 5, cam.Frames())
	first := <-frames
	for n := 1; n < 12; n++ {
		s := <-frames
		require.Equal(t, n%5, s.index)
		require.Equal(t, n/5, s.loop)
		require.GreaterOrEqual(t, s.at.Sub(first.at), time.Duration(n)*100*time.Millisecond-50*time.Millisecond)
	}
}

func TestNewRefuses(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	_, err := New(t.Context(), Config{Log: log})
	require.ErrorIs(t, err, ErrConfig)
	text := filepath.Join(t.TempDir(), "x.mp4")
	require.NoError(t, os.WriteFile(text, []byte("no video"), 0o600))
	_, err = New(t.Context(), Config{File: text, Log: log})
	require.ErrorIs(t, err, ffmpeg.ErrNotVideo)

	file := clipFile(t, "testsrc=s=64x48:r=10:d=0.5")
	cam, err := New(t.Context(), Config{File: file, Log: log})
	require.NoError(t, err)
	defer cam.Close()
	_, err = New(t.Context(), Config{File: file, Log: log, Addr: cam.addr})
	require.ErrorContains(t, err, "is the port in use?")
}

func TestNals(t *testing.T) {
	require.Equal(t, [][]byte{{9, 1}, {7, 2}, {8}}, nals([]byte{0, 0, 0, 1, 9, 1, 0, 0, 1, 7, 2, 0, 0, 0, 0, 1, 8, 0}))
	require.Empty(t, nals([]byte{1, 2, 3}))
	require.Empty(t, nals(nil))
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := split(data); err == nil {
			require.NotEmpty(t, c.units)
			require.NotEmpty(t, c.sps)
		}
	})
}
