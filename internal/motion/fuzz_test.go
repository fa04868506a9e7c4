package motion_test

import (
	"testing"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/motion"
	"porchlight/internal/polygon"
)

// FuzzObserve reads sizes, steps in time and pixels from its input, and wants
// boxes that lie in the frame, sorted, and few.
func FuzzObserve(f *testing.F) {
	f.Fuzz(func(t *testing.T, width, height uint16, mask float64, pixels []byte) {
		if len(pixels) < 2 || len(pixels) > 1<<16 {
			t.Skip("no pixels, or more than the frames below use")
		}
		w, h := int(width%300)+1, int(height%300)+1
		d := motion.New(motion.Config{Masks: []polygon.Polygon{{{X: 0, Y: mask}, {X: mask, Y: 0}, {X: 1, Y: 1}}}})
		now := time.Unix(0, 0)
		for i := range 12 {
			if pixels[i%len(pixels)] == 7 {
				w, h = h, w // another size in mid-stream
			}
			frame := &event.Frame{Time: now, Width: w, Height: h, Pix: make([]byte, w*h*3)}
			for k := range frame.Pix {
				frame.Pix[k] = pixels[(k+i*int(pixels[0]))%len(pixels)]
			}
			if pixels[1] == 9 {
				frame.Pix = frame.Pix[:len(frame.Pix)-1]
			}
			check(t, d.Observe(frame))
			now = now.Add(time.Duration(int8(pixels[(i+1)%len(pixels)])) * 20 * time.Millisecond)
		}
	})
}

func check(t *testing.T, r motion.Result) {
	if r.Calibrating && len(r.Boxes) > 0 || len(r.Boxes) > 16 || !(r.Area >= 0 && r.Area <= 1) {
		t.Fatalf("impossible result %+v", r)
	}
	for i, b := range r.Boxes {
		if !(b.X0 >= 0 && b.Y0 >= 0 && b.X1 <= 1 && b.Y1 <= 1 && b.X0 < b.X1 && b.Y0 < b.Y1) {
			t.Fatalf("box %v is not in the frame", b)
		}
		if i > 0 && b.Area() > r.Boxes[i-1].Area()*1.001 {
			t.Fatalf("boxes are not sorted: %v", r.Boxes)
		}
	}
}
