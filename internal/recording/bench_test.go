package recording_test

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
	"porchlight/internal/recording"
)

// BenchmarkRecord writes 1080p30 at 4 Mbit/s, a minute each time, and says what
// share of a core and of memory that takes in real time.
func BenchmarkRecord(b *testing.B) {
	p := media.NewH264Packetizer(sps, pps)
	slice, idr := bytes.Repeat([]byte{0x41}, 12_800), bytes.Repeat([]byte{0x65}, 12_800*10)
	ring := media.NewRing(media.RingConfig{Keep: 2 * time.Minute, MaxBytes: 64 << 20, Log: slog.New(slog.DiscardHandler)})
	l := openLibrary(b, b.TempDir(), &lines{}, func(c *recording.LibraryConfig) { c.Limits.MaxBytes = 256 << 20 })
	now, pts := noon, time.Duration(0)
	b.ReportAllocs()
	b.SetBytes(30 << 20)
	for b.Loop() {
		b.StopTimer()
		for i := range 1800 {
			unit := slice
			if i%60 == 0 {
				unit = idr
			}
			packet, err := p.Packet([][]byte{unit}, pts, now)
			require.NoError(b, err)
			ring.Put(packet)
			pts += time.Second / 30
			now = now.Add(time.Second / 30)
		}
		r := &rig{camera: &camera{t: b, ring: ring}, library: l, log: &lines{}}
		b.StartTimer()
		r.record(always)
		want := now.Add(-3 * time.Second)
		for r.Stats().Safe.Before(want) {
			time.Sleep(time.Millisecond)
		}
		r.stop()
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(time.Minute)*100, "%real-time")
}
