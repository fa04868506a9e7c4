package annotate

import (
	"unicode/utf8"

	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// longestText is where a text is cut, in characters: wider than any picture it
// could be read in.
const longestText = 200

// behindText is how dark the picture becomes behind a text.
const behindText = opaque * 5 / 8

// textWidth is how wide a text is with its margin, in pixels.
func (c *canvas) textWidth(s string) int {
	return (min(utf8.RuneCountInString(s), longestText)*basicfont.Face7x13.Advance + 4) * c.scale
}

// textHeight is how high a line of text is with its margin, in pixels.
func (c *canvas) textHeight() int { return (basicfont.Face7x13.Height + 2) * c.scale }

// text writes a line on a dark ground with its upper left corner at x, y, or
// nearby where it would leave the picture.
func (c *canvas) text(x, y int, s string, col color, alpha int) {
	width, height := c.textWidth(s), c.textHeight()
	x, y = max(0, min(x, c.width-width)), max(c.top, min(y, c.height-height))
	c.fill(x, y, x+width, y+height, black, behindText)
	c.write(x+2*c.scale, y+c.scale, s, col, alpha)
}

// write writes a line without a ground.
func (c *canvas) write(x, y int, s string, col color, alpha int) {
	face, n := basicfont.Face7x13, 0
	for _, r := range s {
		if n++; n > longestText || x >= c.width {
			return
		}
		area, mask, at, _, ok := face.Glyph(fixed.P(0, face.Ascent), r)
		if !ok {
			continue
		}
		for j := range area.Dy() {
			for i := range area.Dx() {
				if _, _, _, a := mask.At(at.X+i, at.Y+j).RGBA(); a < 0x8000 {
					continue
				}
				px, py := x+(area.Min.X+i)*c.scale, y+(area.Min.Y+j)*c.scale
				c.fill(px, py, px+c.scale, py+c.scale, col, alpha)
			}
		}
		x += face.Advance * c.scale
	}
}
