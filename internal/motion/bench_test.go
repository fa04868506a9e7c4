package motion

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"porchlight/internal/event"
)

// BenchmarkObserve looks at a still, noisy scene in which a block walks.
func BenchmarkObserve(b *testing.B) {
	for _, size := range [][2]int{{768, 432}, {1280, 720}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			frames := noisy(size[0], size[1], 16)
			d := New(Config{})
			start := time.Unix(0, 0)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f := frames[i%len(frames)]
				f.Time = start.Add(time.Duration(i) * 200 * time.Millisecond)
				d.Observe(f)
				i++
			}
		})
	}
}

func noisy(width, height, count int) []*event.Frame {
	random := rand.New(rand.NewPCG(1, 2))
	frames := make([]*event.Frame, count)
	for k := range frames {
		f := &event.Frame{Width: width, Height: height, Pix: make([]byte, width*height*3)}
		for i := range f.Pix {
			f.Pix[i] = uint8(60 + (i/3%width)*120/width + random.IntN(9))
		}
		x0, y0 := width/4+k*width/64, height/3
		for y := y0; y < y0+height/4; y++ {
			for x := x0; x < x0+width/16; x++ {
				copy(f.Pix[(y*width+x)*3:], []byte{20, 30, 40})
			}
		}
		frames[k] = f
	}
	return frames
}
