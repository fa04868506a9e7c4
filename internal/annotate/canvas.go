package annotate

import (
	"math"

	"porchlight/internal/event"
)

// color is 0xRRGGBB.
type color uint32

// The colors with a meaning of their own.
const (
	black  color = 0x000000
	white  color = 0xFFFFFF
	gray   color = 0xA0A0A0
	yellow color = 0xFFD800
	green  color = 0x30D060
	blue   color = 0x4090FF
	red    color = 0xFF4848
	amber  color = 0xE09000
	cyan   color = 0x40E0FF
)

// trackColor gives tracks that follow one another colors easily told apart.
func trackColor(id int64) color {
	palette := [...]color{0xFF7F0E, 0x2CE0C0, 0xF050F0, 0x90E030, 0x60A8FF, 0xFF5A7A, 0xFFE060, 0xB090FF}
	return palette[uint64(id)%uint64(len(palette))]
}

// opaque is the alpha that hides what is below.
const opaque = 256

// canvas draws on BGR pixels. Whatever lies outside is left out.
type canvas struct {
	width, height int
	pix           []byte
	scale         int // pixels of a pixel of the font, and of a thin line
	top           int // rows that texts keep clear of
}

// style of a box.
type style struct {
	color  color
	alpha  int // 0 to opaque
	thick  int // thin lines
	dashed bool
}

// span colors the pixels of row y from x0 up to, not including, x1.
func (c *canvas) span(x0, x1, y int, col color, alpha int) {
	x0, x1 = max(x0, 0), min(x1, c.width)
	if y < 0 || y >= c.height || x0 >= x1 {
		return
	}
	row := c.pix[(y*c.width+x0)*3 : (y*c.width+x1)*3]
	keep, b, g, r := opaque-alpha, int(col&255)*alpha, int(col>>8&255)*alpha, int(col>>16&255)*alpha
	for i := 0; i+2 < len(row); i += 3 {
		row[i] = byte((int(row[i])*keep + b) / opaque)
		row[i+1] = byte((int(row[i+1])*keep + g) / opaque)
		row[i+2] = byte((int(row[i+2])*keep + r) / opaque)
	}
}

// fill colors a rectangle whose lower right corner is left out.
func (c *canvas) fill(x0, y0, x1, y1 int, col color, alpha int) {
	for y := max(y0, 0); y < min(y1, c.height); y++ {
		c.span(x0, x1, y, col, alpha)
	}
}

// pixels of a fraction of a side; what lies far outside is brought near, so
// that no later sum overflows. What is no number is 0.
func pixels(v float64, side int) int {
	switch {
	case v >= 2:
		return 2 * side
	case v > -1:
		return int(math.Round(v * float64(side)))
	case v <= -1:
		return -side
	}
	return 0
}

// corner of a box, upper left, in pixels.
func (c *canvas) corner(b event.Box) (x, y int) { return pixels(b.X0, c.width), pixels(b.Y0, c.height) }

// box draws the outline of a box.
func (c *canvas) box(b event.Box, s style) {
	x0, y0 := c.corner(b)
	x1, y1 := pixels(b.X1, c.width), pixels(b.Y1, c.height)
	if b.X1 >= 1 && b.X1 < 2 {
		x1 = min(x1, c.width) // the line lies just inside
	}
	if b.Y1 >= 1 && b.Y1 < 2 {
		y1 = min(y1, c.height)
	}
	if x1 < x0 || y1 < y0 {
		return
	}
	t := s.thick * c.scale
	c.rail(x0, x1, y0, t, s, false)
	c.rail(x0, x1, max(y0, y1-t), t, s, false)
	c.rail(y0+t, y1-t, x0, t, s, true)
	c.rail(y0+t, y1-t, max(x0, x1-t), t, s, true)
}

// rail draws one side of a box: from and to along it, at across it.
func (c *canvas) rail(from, to, at, thick int, s style, vertical bool) {
	dash, step := max(1, to-from), max(1, to-from)
	if s.dashed {
		dash, step = 6*c.scale, 12*c.scale
	}
	for ; from < to; from += step {
		end := min(from+dash, to)
		if vertical {
			c.fill(at, from, at+thick, end, s.color, s.alpha)
		} else {
			c.fill(from, at, end, at+thick, s.color, s.alpha)
		}
	}
}

// line draws a thin line from one point to another, both included.
func (c *canvas) line(x0, y0, x1, y1 int, col color) {
	dx, dy := x1-x0, y1-y0
	steps := max(dx, -dx, dy, -dy, 1)
	for i := 0; i <= steps; i++ {
		x, y := x0+dx*i/steps, y0+dy*i/steps
		c.fill(x, y, x+c.scale, y+c.scale, col, opaque)
	}
}
