package pipeline_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"porchlight/internal/event"
)

// These measure what the pipeline costs without its networks: the detector
// only looks for a color.

// BenchmarkHandleNoisy is a scene at rest, as a sensor sees it.
func BenchmarkHandleNoisy(b *testing.B) { benchmarkHandle(b, false) }

// BenchmarkHandleWalk is a scene through which somebody walks, to and fro, and
// an event is open.
func BenchmarkHandleWalk(b *testing.B) { benchmarkHandle(b, true) }

func benchmarkHandle(b *testing.B, walks bool) {
	const w, h, count = 1280, 720, 32
	random := rand.New(rand.NewPCG(1, 2))
	frames := make([]*event.Frame, count)
	for k := range frames {
		f := &event.Frame{Width: w, Height: h, Pix: make([]byte, w*h*3)}
		for i := range f.Pix {
			f.Pix[i] = uint8(60 + (i/3%w)*120/w + random.IntN(7))
		}
		if walks {
			x0 := 200 + 800*min(k, count-k)/(count/2)
			for y := 240; y < 640; y++ {
				for x := x0; x < x0+160; x++ {
					copy(f.Pix[(y*w+x)*3:], []byte{0, 0, 255})
				}
			}
		}
		frames[k] = f
	}
	d, out := &redDetector{}, &sink{}
	p := build(d, out)
	i := 0
	handle := func() {
		f := *frames[i%count]
		f.Time, f.Sequence = start.Add(time.Duration(i)*time.Second/fps), int64(i)
		if err := p.Handle(b.Context(), &f); err != nil {
			b.Fatal(err)
		}
		i++
	}
	for range 3 * count {
		handle()
	}
	if walks != (len(out.events) > 0) {
		b.Fatalf("%d states of events", len(out.events))
	}
	b.ReportAllocs()
	before := d.calls
	warm := i
	for b.Loop() {
		handle()
	}
	b.ReportMetric(float64(d.calls-before)/float64(i-warm), "looks/op")
}
