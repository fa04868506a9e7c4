package ffmpeg

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// onlyFFmpeg makes a program of this text the only ffmpeg there is.
func onlyFFmpeg(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if script != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte("#!/bin/sh\n"+script), 0o755))
	}
	t.Setenv("PATH", dir)
}

func TestCheckEncodeSaysWhatIsMissing(t *testing.T) {
	require.ErrorIs(t, CheckEncode(t.Context(), "film.avi"), ErrFileType)
	require.ErrorIs(t, CheckEncode(t.Context(), "mp4"), ErrFileType)
	onlyFFmpeg(t, "echo ' V....D libx264rgb RGB'")
	require.ErrorIs(t, CheckEncode(t.Context(), "film.mp4"), ErrNoEncoder)
	onlyFFmpeg(t, "echo ' V....D libx264 H.264'")
	require.NoError(t, CheckEncode(t.Context(), "film.MKV"))
	onlyFFmpeg(t, "")
	require.ErrorIs(t, CheckEncode(t.Context(), "film.mp4"), ErrMissing)
	_, err := Encode(t.Context(), EncodeConfig{Path: "film.mp4", Width: 2, Height: 2, FPS: 1})
	require.ErrorIs(t, err, ErrMissing)
}

func TestEncodeRefusesWhatIsNoVideo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "film.mp4")
	for _, c := range []EncodeConfig{
		{}, {Path: "film.avi", Width: 2, Height: 2, FPS: 1}, {Path: path, Height: 2, FPS: 1}, {Path: path, Width: 2, Height: 2},
		{Path: path, Width: 1 << 20, Height: 1 << 20, FPS: 1},
	} {
		_, err := Encode(t.Context(), c)
		require.Error(t, err)
	}
}

// The child's last words are in the error, and nothing is left behind.
func TestAnEncoderThatFailsSaysWhy(t *testing.T) {
	onlyFFmpeg(t, "echo no space left >&2; exit 1")
	path := filepath.Join(t.TempDir(), "film.mp4")
	e, err := Encode(t.Context(), EncodeConfig{Path: path, Width: 2, Height: 2, FPS: 1})
	require.NoError(t, err)
	require.ErrorIs(t, e.Picture(make([]byte, 3)), ErrFailed, "the size is wrong")
	err = e.Close()
	require.ErrorIs(t, err, ErrFailed)
	require.ErrorContains(t, err, "no space left")
	left, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestWhatIsEncodedCanBeDecoded(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: make deps installs it")
	}
	for _, name := range []string{"a film%d.mp4", "b.mov", "c.mkv"} {
		path := filepath.Join(t.TempDir(), name)
		e, err := Encode(t.Context(), EncodeConfig{Path: path, Width: 33, Height: 17, FPS: 4})
		require.NoError(t, err)
		for i := range 6 {
			gray := make([]byte, 33*17*3)
			for j := range gray {
				gray[j] = byte(40 * i)
			}
			require.NoError(t, e.Picture(gray))
		}
		require.NoError(t, e.Close())
		dec, err := Decode(t.Context(), DecodeConfig{Input: FileInput(path)})
		require.NoError(t, err)
		n := 0
		for {
			p, err := dec.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			require.Equal(t, []int{34, 18}, []int{p.Width, p.Height}, "sides are even")
			require.InDelta(t, float64(n)/4, p.PTS.Seconds(), 0.01)
			require.InDelta(t, 40*n, p.Pix[(5*34+5)*3], 6)
			n++
		}
		dec.Close()
		require.Equal(t, 6, n, name)
	}
}
