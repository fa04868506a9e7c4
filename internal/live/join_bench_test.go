package live_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/live"
)

// door is a camera as they are sold: 1080p30 at 4 Mbit/s and a substream of
// 512 kbit/s, with a keyframe every two seconds. The noise makes the encoder
// use what it is given.
func door(b *testing.B) (*live.Master, context.Context) {
	b.Helper()
	noise := []string{"-vf", "noise=alls=14:allf=t"}
	main := play(b, clip(b, "1920x1080", "30", "8", append(noise, "-g", "60", "-b:v", "4M", "-maxrate", "4M", "-bufsize", "2M")...))
	sub := play(b, clip(b, "640x360", "10", "8", append(noise, "-g", "20", "-b:v", "512k", "-maxrate", "512k", "-bufsize", "256k")...))
	m, w := show(b, live.Config{Main: main.ring, Sub: sub.ring})
	ctx := browser(b, page(b, w))
	visit(b, ctx, "warm-up", 0) // the browser's own first time
	return m, ctx
}

// BenchmarkJoin joins with Chromium again and again: the time from the tap to
// the first decoded frame.
func BenchmarkJoin(b *testing.B) {
	m, ctx := door(b)
	var taps []int
	for b.Loop() {
		got := visit(b, ctx, fmt.Sprint("visit-", len(taps)), 0)
		require.Empty(b, got.Refused)
		if got.Phases["first frame"] > 120 {
			b.Logf("%v %+v", got.Phases, m.Stats().Viewers)
		}
		taps = append(taps, got.Phases["first frame"])
	}
	slices.Sort(taps)
	b.ReportMetric(float64(taps[len(taps)/2]), "p50-ms")
	b.ReportMetric(float64(taps[min(len(taps)*95/100, len(taps)-1)]), "p95-ms")
	b.ReportMetric(float64(taps[len(taps)-1]), "worst-ms")
}

// BenchmarkWatch watches with Chromium, ten seconds an iteration.
func BenchmarkWatch(b *testing.B) {
	m, ctx := door(b)
	b.ResetTimer()
	got := visit(b, ctx, "watch", 10*float64(b.N))
	b.Logf("%+v", got)
	s := m.Stats()
	b.Logf("%+v", s)
	b.ReportMetric(float64(got.Decoded), "frames")
	b.ReportMetric(float64(got.Dropped), "dropped")
	b.ReportMetric(float64(got.Freezes), "freezes")
	b.ReportMetric(got.Frozen*1000, "frozen-ms")
	b.ReportMetric(float64(got.Buffer), "buffer-ms")
}
