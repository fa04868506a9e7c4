package ffmpeg

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// transport makes a transport stream as children do, of a clip and its sound.
func transport(t testing.TB, c PacketConfig, input ...string) []byte {
	t.Helper()
	if len(input) == 0 {
		input = []string{"-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1[out0];sine=d=1:r=16000[out1]"}
	}
	path := filepath.Join(t.TempDir(), "x.ts")
	args := append([]string{"-hide_banner", "-nostdin", "-v", "error"}, append(input, c.output("file:"+path)...)...)
	out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

func readUnits(t testing.TB, data []byte, start time.Duration) (video, audio []Unit) {
	t.Helper()
	units := NewUnits(bytes.NewReader(data), start)
	for {
		u, err := units.Next()
		if errors.Is(err, io.EOF) {
			return video, audio
		}
		require.NoError(t, err)
		if u.NALs != nil {
			video = append(video, u)
		} else {
			audio = append(audio, u)
		}
	}
}

func TestUnits(t *testing.T) {
	video, audio := readUnits(t, transport(t, PacketConfig{Sound: EncodeSound}), 0)
	require.Len(t, video, 10)
	for i, u := range video {
		require.Equal(t, time.Duration(i)*100*time.Millisecond, u.PTS)
	}
	require.Greater(t, len(audio), 14)
	frames := 0
	for i, u := range audio {
		require.Equal(t, []byte{0x14, 0x10}, u.Config, "AAC-LC of 16 kHz in stereo")
		require.Equal(t, 64*time.Millisecond, u.Each)
		require.NotEmpty(t, u.Frames)
		require.WithinDuration(t, time.Unix(0, 0).Add(audio[0].PTS+time.Duration(frames)*u.Each), time.Unix(0, 0).Add(u.PTS), time.Millisecond, i)
		frames += len(u.Frames)
	}
}

// TestUnitsWrap reads timestamps beyond the 26 hours of a transport stream's
// clock, and over its end.
func TestUnitsWrap(t *testing.T) {
	wrap := time.Duration(tsWrap) * time.Second / tsClock
	for _, at := range []time.Duration{0, 100 * time.Hour, 10*wrap - packetOffset - 500*time.Millisecond, 56 * 365 * 24 * time.Hour} {
		shift := at.Round(100 * time.Millisecond) // the test picture's clock
		input := []string{"-copyts", "-itsoffset", strconv.FormatFloat(shift.Seconds(), 'f', 3, 64), "-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1"}
		video, _ := readUnits(t, transport(t, PacketConfig{}, input...), shift+time.Hour)
		require.Len(t, video, 10)
		for i, u := range video {
			require.WithinDuration(t, time.Unix(0, 0).Add(shift+time.Duration(i)*100*time.Millisecond), time.Unix(0, 0).Add(u.PTS), time.Millisecond)
		}
	}
}

func TestUnitsDamaged(t *testing.T) {
	good := transport(t, PacketConfig{Sound: EncodeSound})
	_, err := NewUnits(bytes.NewReader(append([]byte{0}, good...)), 0).Next()
	require.ErrorIs(t, err, ErrTransport)
	_, err = NewUnits(bytes.NewReader(nil), 0).Next()
	require.ErrorIs(t, err, io.EOF)
	video, _ := readUnits(t, good[:len(good)/2/tsPacket*tsPacket+17], 0)
	require.NotEmpty(t, video, "a child that was killed stops anywhere")
	_, err = NewUnits(errReader{}, 0).Next()
	require.ErrorIs(t, err, os.ErrClosed)
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, os.ErrClosed }

// TestUnitsBounded has a unit grow for ever.
func TestUnitsBounded(t *testing.T) {
	packet := bytes.Repeat([]byte{0xff}, tsPacket)
	copy(packet, []byte{tsSync, 0x40 | videoPID>>8, videoPID & 0xff, 0x10, 0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1, 0, 0, 1, 0x65})
	u := &Units{}
	u.take(packet)
	packet[1] &^= 0x40
	for range 2 * maxUnit / tsPacket {
		u.take(packet)
	}
	require.LessOrEqual(t, len(u.video.data), maxUnit)
	u.finish(&u.video, true)
	require.Empty(t, u.ready)
}

func TestEncodeCost(t *testing.T) {
	require.InDelta(t, 0.37, EncodeCost(1920, 1080, 30), 0.05)
	require.Equal(t, EncodeCost(1920, 1080, 30), EncodeCost(3840, 2160, 30), "as wider pictures are scaled down")
	require.Positive(t, EncodeCost(640, 360, 0))
}

func FuzzUnits(f *testing.F) {
	f.Add(transport(f, PacketConfig{Sound: EncodeSound})[:20*tsPacket])
	f.Add(transport(f, PacketConfig{})[:20*tsPacket])
	f.Add(bytes.Repeat([]byte{tsSync}, 3*tsPacket))
	f.Fuzz(func(t *testing.T, data []byte) {
		units := NewUnits(bytes.NewReader(data), 0)
		for {
			u, err := units.Next()
			if err != nil {
				return
			}
			require.True(t, len(u.NALs) > 0 || len(u.Frames) > 0)
			for _, frame := range u.Frames {
				require.NotEmpty(t, frame)
			}
		}
	})
}
