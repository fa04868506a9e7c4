package track

import (
	"math"

	"porchlight/internal/event"
)

// colors is how an object is clothed: brightness and the two color
// differences (Y, B-Y, R-Y, in gray levels) of the middle of its upper, its
// middle and its lower third.
type colors [9]float64

const (
	colorBands   = 3
	colorColumns = 6
	colorRows    = 6  // per band
	colorRange   = 40 // gray levels of mean difference that are as different as can be
	colorFollow  = 0.1
)

// colorsOf returns the colors of what is in a box, or nil where there are none.
func colorsOf(f *event.Frame, b event.Box) *colors {
	if !f.Whole() {
		return nil
	}
	b = b.Clip()
	// The outer parts of a box mostly show what is behind.
	x0, w := (b.X0+0.25*b.Width())*float64(f.Width), 0.5*b.Width()*float64(f.Width)
	y0, h := (b.Y0+0.05*b.Height())*float64(f.Height), 0.9*b.Height()*float64(f.Height)
	if w < colorColumns/2 || h < colorBands*colorRows/2 {
		return nil
	}
	c := &colors{}
	for j := range colorBands * colorRows {
		y := min(f.Height-1, int(y0+(float64(j)+0.5)*h/(colorBands*colorRows)))
		band := c[j/colorRows*3:][:3]
		for i := range colorColumns {
			x := min(f.Width-1, int(x0+(float64(i)+0.5)*w/colorColumns))
			at := (y*f.Width + x) * 3
			gray := luma(f, x, y)
			band[0] += float64(gray)
			band[1] += float64(int(f.Pix[at]) - gray)
			band[2] += float64(int(f.Pix[at+2]) - gray)
		}
	}
	for i := range c {
		c[i] /= colorColumns * colorRows
	}
	return c
}

// unlike says how different colors are, 0..1; 0 where they are not known.
func (c *colors) unlike(o *colors) float64 {
	if c == nil || o == nil {
		return 0
	}
	sum := 0.0
	for i := range c {
		sum += math.Abs(c[i] - o[i])
	}
	return math.Min(1, sum/float64(len(c))/colorRange)
}

// follow returns the colors a little nearer to those seen now.
func (c *colors) follow(now *colors) *colors {
	if c == nil || now == nil {
		return now
	}
	out := *c
	for i := range out {
		out[i] += colorFollow * (now[i] - out[i])
	}
	return &out
}
