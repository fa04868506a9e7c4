package capture

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/capture/simulator"
	"porchlight/internal/event"
)

// BenchmarkFile measures the decoding of 640x360 frames at full speed.
func BenchmarkFile(b *testing.B) {
	clip := makeClip(b, "clip.mp4", "-f", "lavfi", "-i", "testsrc=s=640x360:r=25:d=20")
	frames := 0
	for b.Loop() {
		err := Run(b.Context(), Config{URL: clip, Pace: FullSpeed, Log: discard()}, func(*event.Frame) { frames++ })
		require.NoError(b, err)
	}
	b.ReportMetric(float64(frames)/b.Elapsed().Seconds(), "frames/s")
}

// BenchmarkRTSP measures, on a camera at 25 frames a second of which 5 are
// wanted, the time from a frame's leaving the camera to its delivery, and
// the decoder child's processor time.
func BenchmarkRTSP(b *testing.B) {
	for _, size := range []string{"640x360", "1920x1080"} {
		b.Run(size, func(b *testing.B) {
			clip := makeClip(b, "clip.mp4", "-f", "lavfi", "-i", "testsrc2=s="+size+":r=25:d=5", "-preset", "ultrafast")
			cam := simulate(b, simulator.Config{File: clip})
			r := start(b, Config{URL: cam.URL(), FPS: 5, MaxWidth: 640})
			r.frame()
			began, before := time.Now(), childCPU(b)
			own := ownCPU(b)
			var late []time.Duration
			for b.Loop() {
				f := r.frame()
				late = append(late, time.Since(f.Time))
			}
			wall := time.Since(began).Seconds()
			slices.Sort(late)
			b.ReportMetric(float64(late[len(late)/2].Microseconds())/1000, "ms-p50")
			b.ReportMetric(float64(late[len(late)*95/100].Microseconds())/1000, "ms-p95")
			b.ReportMetric(100*(childCPU(b)-before)/wall, "%cpu-decoder")
			b.ReportMetric(100*(ownCPU(b)-own)/wall, "%cpu-capture+camera")
		})
	}
}

// BenchmarkIdle measures the processor time that a still camera at 25 frames
// a second costs at rest and in full, decoder child and this process, the
// simulated camera included, which costs the same in both.
func BenchmarkIdle(b *testing.B) {
	for _, size := range []string{"640x360", "1920x1080"} {
		clip := makeClip(b, "clip.mp4", append(visitor(size, 1000, 6), "-crf", "10")...)
		cam := simulate(b, simulator.Config{File: clip, KeyInterval: 2 * time.Second, Encoder: asCamera()})
		for _, rest := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/rest=%t", size, rest), func(b *testing.B) {
				attention := &Attention{}
				attention.SetFull(!rest)
				start(b, Config{URL: cam.URL(), FPS: 5, MaxWidth: 640, Attention: attention})
				time.Sleep(8 * time.Second) // until it has learned and rests
				began, before, own, stats := time.Now(), childCPU(b), ownCPU(b), attention.Stats()
				for b.Loop() {
					time.Sleep(time.Second)
				}
				wall := time.Since(began).Seconds()
				b.ReportMetric(100*(childCPU(b)-before)/wall, "%cpu-decoder")
				b.ReportMetric(100*(ownCPU(b)-own)/wall, "%cpu-capture+camera")
				b.ReportMetric(float64(attention.Stats().Fed-stats.Fed)/wall, "packets/s")
			})
		}
	}
}

// BenchmarkWake measures the time from a visitor's first packet's leaving a
// resting camera to the delivery of a frame that shows it.
func BenchmarkWake(b *testing.B) {
	for _, size := range []string{"640x360", "1920x1080"} {
		for _, interval := range []time.Duration{2 * time.Second, 4 * time.Second} {
			b.Run(fmt.Sprintf("%s/keyframes=%s", size, interval), func(b *testing.B) {
				clip := makeClip(b, "clip.mp4", append(visitor(size, 11, 13), "-crf", "10")...)
				came := make(chan time.Time, 100)
				cam := simulate(b, simulator.Config{
					File: clip, KeyInterval: interval, Encoder: asCamera(),
					FrameSent: func(index, _ int, at time.Time) {
						if index == 11*25 {
							came <- at
						}
					},
				})
				attention := &Attention{}
				attention.SetFull(false)
				r := start(b, Config{URL: cam.URL(), FPS: 5, MaxWidth: 640, Attention: attention})
				late := time.Duration(0)
				for b.Loop() {
					at := <-came
					for r.frame().Time.Before(at) {
					}
					late += time.Since(at)
				}
				b.ReportMetric(float64(late.Milliseconds())/float64(b.N), "ms")
				b.ReportMetric(float64(attention.Stats().Wakes)/float64(b.N), "wakes")
			})
		}
	}
}

// childCPU returns the processor seconds that the living ffmpeg children have used.
func childCPU(b *testing.B) float64 {
	b.Helper()
	total := 0.0
	for _, pid := range decoders(b) {
		content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		require.NoError(b, err)
		fields := strings.Fields(string(content))
		for _, field := range fields[13:15] { // user and system time, in hundredths of a second
			ticks, err := strconv.ParseFloat(field, 64)
			require.NoError(b, err)
			total += ticks / 100
		}
	}
	return total
}

func ownCPU(b *testing.B) float64 {
	b.Helper()
	var use syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &use))
	return time.Duration(use.Utime.Nano() + use.Stime.Nano()).Seconds()
}
