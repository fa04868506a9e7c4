package capture

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/media"
)

// TestBFrames feeds pictures in decoding order, as cameras with B-frames send
// them: they must come out in the order and with the times of taking.
func TestBFrames(t *testing.T) {
	t.Parallel()
	clip := makeClip(t, "clip.mp4", append(scene("10", "3"), "-c:v", "libx264", "-bf", "2", "-g", "10",
		"-x264-params", "b-adapt=0:bframes=2")...)
	packets := filePackets(t, clip)
	reordered := false
	for i := 1; i < len(packets); i++ {
		reordered = reordered || packets[i].PTS < packets[i-1].PTS
	}
	require.True(t, reordered, "the clip has B-frames")

	cfg := Config{URL: "x", Log: discard()}
	require.NoError(t, cfg.complete())
	frames := make(chan *event.Frame, 100)
	bus := &media.Bus{}
	d := &liveDecoder{cfg: cfg, packets: bus.Subscribe(100), player: &player{
		cfg: cfg, states: &states{cfg: cfg}, times: timeline{log: cfg.Log}, deliver: func(f *event.Frame) { frames <- f },
	}}
	defer d.packets.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); d.run(ctx) }()
	defer func() { cancel(); <-done }()
	for _, p := range packets {
		bus.Publish(p)
	}
	for i := range len(packets) - 4 { // the decoder may hold the last few back
		select {
		case f := <-frames:
			require.InDelta(t, 4*(i+1), squareX(f), 2)
			require.Equal(t, packets[0].Time.Add(time.Duration(i)*100*time.Millisecond), f.Time)
		case <-time.After(patience):
			t.Fatalf("no frame %d", i)
		}
	}
}

// filePackets takes a file apart into packets in decoding order.
func filePackets(t *testing.T, clip string) []*media.Packet {
	t.Helper()
	stream, err := os.ReadFile(render(t, filepath.Join(t.TempDir(), "clip.h264"), "-i", clip, "-c", "copy",
		"-bsf:v", "h264_mp4toannexb,h264_metadata=aud=insert"))
	require.NoError(t, err)
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-show_entries", "packet=pts_time", "-of", "csv=p=0", clip).Output()
	require.NoError(t, err)
	times := strings.Fields(string(out))

	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	packetizer := media.NewH264Packetizer(nil, nil)
	var packets []*media.Packet
	units := bytes.Split(stream, []byte{0, 0, 0, 1, 9})[1:]
	require.Len(t, units, len(times))
	for i, unit := range units {
		var au h264.AnnexB
		require.NoError(t, au.Unmarshal(append([]byte{0, 0, 0, 1, 9}, unit...)))
		seconds, err := strconv.ParseFloat(strings.Trim(times[i], ","), 64)
		require.NoError(t, err)
		pts := time.Duration(seconds*1e6+0.5) * time.Microsecond
		p, err := packetizer.Packet(au, pts, start.Add(pts))
		require.NoError(t, err)
		packets = append(packets, p)
	}
	return packets
}
