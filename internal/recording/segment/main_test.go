package segment

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/media"
	"porchlight/internal/media/mediatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gops has a ring arrange packets as a recorder gets them. The last GOP is
// not complete.
func gops(t testing.TB, packets []*media.Packet) []*media.GOP {
	t.Helper()
	ring := media.NewRing(media.RingConfig{Keep: time.Hour, Log: slog.New(slog.DiscardHandler)})
	if i := slices.IndexFunc(packets, func(p *media.Packet) bool { return p.Stream.Audio() }); i > 0 {
		first := *packets[i]
		first.Time = packets[0].Time
		ring.Put(&first) // so that the first GOP has sound too
	}
	for _, p := range packets {
		ring.Put(p)
	}
	var out []*media.GOP
	for g, ok := ring.After(0); ok; g, ok = ring.After(g.Number) {
		out = append(out, g)
	}
	require.NotEmpty(t, out)
	return out
}

// sets are the parameter sets of 320x240 baseline video.
var (
	sps = []byte{0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x07, 0xe8, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x05, 0x03, 0xc5, 0x0a, 0xa8}
	pps = []byte{0x68, 0xce, 0x0f, 0xc8}
)

// packets are pictures of no content at 30 per second, with a keyframe every
// ten, and sound in between.
func packets(t testing.TB, n int) []*media.Packet {
	t.Helper()
	p := media.NewH264Packetizer(sps, pps)
	sound, err := media.NewAACStream([]byte{0x12, 0x08}) // 44.1 kHz, one channel
	require.NoError(t, err)
	start := time.Date(2026, 3, 29, 0, 59, 59, 999_900_000, time.UTC)
	var out []*media.Packet
	add := func(q *media.Packet, err error) {
		require.NoError(t, err)
		out = append(out, q)
	}
	heard := 0
	for i := range n {
		pts := 777*time.Microsecond + media.Ticks(int64(i)*3000, media.H264ClockRate)
		for ; i > 0 && media.Ticks(int64(heard)*1024, 44100) < pts; heard++ {
			at := media.Ticks(int64(heard)*1024, 44100)
			add(media.AudioPacket(sound, bytes.Repeat([]byte{byte(heard)}, 20+heard%7), at, start.Add(at)))
		}
		unit := []byte{0x41, byte(i), byte(i >> 8)}
		if i%10 == 0 {
			unit = []byte{0x65, 0x88, byte(i), byte(i >> 8), 1, 2, 3, 4, 5, 6, 7, 8, 9}
		}
		add(p.Packet([][]byte{unit, {0x06, 0x05, byte(i), 0x80}}, pts, start.Add(pts)))
	}
	return out
}

// record writes GOPs to a file, each in so many fragments.
func record(t testing.TB, gops []*media.GOP, fragments int) (path string, w Index) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "x.mp4")
	writer, err := Create(path, gops[0].Video, gops[0].Audio)
	require.NoError(t, err)
	for i, g := range gops {
		var next *media.Sample
		if i+1 < len(gops) {
			samples, _ := gops[i+1].Samples(0)
			next = &samples[0]
		}
		write(t, writer, g, fragments, next)
	}
	require.NoError(t, writer.Sync())
	require.NoError(t, writer.Close())
	return path, writer.Index()
}

func write(t testing.TB, w *Writer, g *media.GOP, fragments int, next *media.Sample) {
	t.Helper()
	samples, _ := g.Samples(0)
	for k, from := 0, 0; k < fragments && from < len(samples); k++ {
		to := max(len(samples)*(k+1)/fragments, from+1)
		for to < len(samples) && samples[to].Stream.Audio() {
			to++
		}
		after := next
		if to < len(samples) {
			after = &samples[to]
		}
		require.NoError(t, w.Append(samples[from:to], from == 0, after))
		from = to
	}
}

// same requires that what was read back is what was recorded.
func same(t testing.TB, want, got *media.GOP) {
	t.Helper()
	require.True(t, want.Video.Same(got.Video))
	require.Equal(t, want.Audio == nil, got.Audio == nil)
	if want.Audio != nil {
		// What encoders append about extensions that they do not use is not kept.
		require.Equal(t, want.Audio.Config[:2], got.Audio.Config)
	}
	require.Equal(t, want.Start, got.Start)
	for _, audio := range []bool{false, true} {
		w, g := only(want, audio), only(got, audio)
		require.Len(t, g, len(w))
		for i := range w {
			require.Equal(t, w[i].At, g[i].At, "%d of %d, audio %t", i, len(w), audio)
			require.Equal(t, w[i].Key, g[i].Key)
			require.Equal(t, w[i].AU, g[i].AU)
			require.WithinDuration(t, time.UnixMilli(g[i].At), g[i].Time, time.Millisecond)
		}
	}
	last := int64(0)
	samples, complete := got.Samples(0)
	require.True(t, complete)
	require.True(t, samples[0].Key)
	if !got.Video.Reorders() {
		for _, s := range samples {
			require.GreaterOrEqual(t, s.At, last, "in order of time")
			last = s.At
		}
	}
}

func only(g *media.GOP, audio bool) (out []media.Sample) {
	samples, _ := g.Samples(0)
	for _, s := range samples {
		if s.Stream.Audio() == audio {
			out = append(out, s)
		}
	}
	return out
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// clips are videos of all kinds that cameras send.
var clips = map[string][]string{
	"h264 with sound":    append(mediatest.Scene("320x180", "25", "4", true), "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "25"),
	"h264 with B-frames": append(mediatest.Scene("320x180", "30", "4", true), "-c:v", "libx264", "-preset", "medium", "-bf", "3", "-g", "30"),
	"h265":               append(mediatest.Scene("320x180", "25", "3", false), "-c:v", "libx265", "-preset", "ultrafast", "-g", "25", "-x265-params", "log-level=none"),
	"one GOP":            append(mediatest.Scene("320x180", "10", "5", true), "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "500"),
}
