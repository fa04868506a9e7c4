package ffmpeg

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lavfi is an input of ffmpeg's own making.
func lavfi(source string) []string { return []string{"-f", "lavfi", "-i", source} }

func TestDecodeTimesAndPixels(t *testing.T) {
	dec, err := Decode(t.Context(), DecodeConfig{Input: lavfi("color=0x102030:s=35x10:r=8:d=1,format=rgb24")})
	require.NoError(t, err)
	defer dec.Close()
	for i := range 8 {
		p, err := dec.Next()
		require.NoError(t, err)
		require.Equal(t, time.Duration(i)*125*time.Millisecond, p.PTS)
		require.Equal(t, 35, p.Width)
		require.Equal(t, bytes.Repeat([]byte{0x30, 0x20, 0x10}, 350), p.Pix)
	}
	_, err = dec.Next()
	require.ErrorIs(t, err, io.EOF)
	require.Empty(t, dec.Complaints())
}

func TestDecodeFault(t *testing.T) {
	dec, err := Decode(t.Context(), DecodeConfig{Input: FileInput(filepath.Join(t.TempDir(), "none"))})
	require.NoError(t, err)
	defer dec.Close()
	_, err = dec.Next()
	require.ErrorIs(t, err, ErrFailed)
	require.ErrorContains(t, err, "No such file", "with the child's last words")
}

func TestCancelEndsChild(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	dec, err := Decode(ctx, DecodeConfig{Input: append([]string{"-re"}, lavfi("testsrc")...)})
	require.NoError(t, err)
	defer dec.Close()
	_, err = dec.Next()
	require.NoError(t, err)
	pid := dec.child.cmd.Process.Pid
	cancel()
	for err == nil {
		_, err = dec.Next()
	}
	dec.Close()
	_, err = os.Stat(filepath.Join("/proc", strconv.Itoa(pid)))
	require.ErrorIs(t, err, os.ErrNotExist)
	dec.Close() // again is nothing
}

func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Decode(t.Context(), DecodeConfig{Input: lavfi("testsrc")})
	require.ErrorIs(t, err, ErrMissing)
	_, err = Probe(t.Context(), "x")
	require.ErrorIs(t, err, ErrMissing)
}

func TestTail(t *testing.T) {
	tail := &tail{limit: 10}
	for range 100 {
		_, err := tail.Write([]byte("first\nsecond\r\nthird\n"))
		require.NoError(t, err)
	}
	require.Equal(t, "nd; third", tail.String())
}

func bitmap(width, height int, pix []byte) []byte {
	h := make([]byte, bmpHeader)
	copy(h, "BM")
	binary.LittleEndian.PutUint32(h[10:], bmpHeader)
	binary.LittleEndian.PutUint32(h[18:], uint32(width))
	binary.LittleEndian.PutUint32(h[22:], uint32(height))
	binary.LittleEndian.PutUint16(h[28:], 24)
	return append(h, pix...)
}

func TestReadBMP(t *testing.T) {
	good := bitmap(1, 2, []byte{4, 5, 6, 0, 1, 2, 3, 0})
	p, err := readBMP(bytes.NewReader(good))
	require.NoError(t, err)
	require.Equal(t, Picture{Width: 1, Height: 2, Pix: []byte{1, 2, 3, 4, 5, 6}}, p)
	for n := range good {
		_, err := readBMP(bytes.NewReader(good[:n]))
		require.ErrorIs(t, err, io.EOF, "cut after %d bytes", n)
	}
	for _, bad := range [][]byte{
		bytes.Repeat([]byte{1}, bmpHeader), bitmap(0, 1, nil), bitmap(1, -1, nil), bitmap(1<<30, 1<<30, nil), bitmap(20000, 20000, nil),
	} {
		_, err := readBMP(bytes.NewReader(bad))
		require.ErrorIs(t, err, ErrFailed)
	}
}

func FuzzReadBMP(f *testing.F) {
	f.Add(bitmap(1, 2, []byte{4, 5, 6, 0, 1, 2, 3, 0}))
	f.Add(bitmap(3, 1, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= 26 { // keep pictures small enough to try many
			data[20], data[21], data[24], data[25] = 0, 0, 0, 0
			data[19] &= 1
			data[23] &= 1
		}
		p, err := readBMP(bytes.NewReader(data))
		if err == nil {
			require.Len(t, p.Pix, p.Width*p.Height*3)
		}
	})
}

func TestParseProbe(t *testing.T) {
	info, err := parseProbe([]byte(`{"streams":[{"codec_type":"video","codec_name":"h264","width":64,"height":48,"avg_frame_rate":"25/2"}],"format":{"format_name":"avi"}}`), "x")
	require.NoError(t, err)
	require.Equal(t, Info{Format: "avi", Codec: "h264", Width: 64, Height: 48, FPS: 12.5}, info)
	require.False(t, info.Still())
	require.True(t, Info{Format: "png_pipe"}.Still())
	for _, rate := range []string{"0/0", "", "x/y", "-1/1"} {
		info, err := parseProbe([]byte(`{"streams":[{"codec_type":"video","width":64,"height":48,"avg_frame_rate":"`+rate+`"}]}`), "x")
		require.NoError(t, err)
		require.Zero(t, info.FPS)
	}
	_, err = parseProbe([]byte(`{"streams":[]}`), "x")
	require.ErrorIs(t, err, ErrNotVideo)
	_, err = parseProbe([]byte(`{`), "x")
	require.Error(t, err)
}

func FuzzParseProbe(f *testing.F) {
	f.Add([]byte(`{"streams":[{"codec_name":"h264","width":64,"height":48,"avg_frame_rate":"25/2"}],"format":{"format_name":"avi"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if info, err := parseProbe(data, "x"); err == nil {
			require.Positive(t, info.Width)
			require.GreaterOrEqual(t, info.FPS, 0.0)
		}
	})
}
