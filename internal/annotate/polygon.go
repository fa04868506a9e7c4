package annotate

import (
	"math"
	"slices"

	"porchlight/internal/polygon"
)

// tint is how much of a polygon's color is laid over the picture.
const tint = opaque / 6

// spot is a point in pixels.
type spot struct{ x, y int }

// polygon draws a translucent polygon with its outline and name.
func (c *canvas) polygon(p polygon.Polygon, col color, name string) {
	corners := c.corners(p)
	c.fillPolygon(corners, col)
	c.outline(corners, col)
	c.name(corners, col, name)
}

func (c *canvas) corners(p polygon.Polygon) []spot {
	corners := make([]spot, len(p))
	for i, corner := range p {
		corners[i] = spot{pixels(corner.X, c.width), pixels(corner.Y, c.height)}
	}
	return corners
}

// fillPolygon fills by the even-odd rule, row by row.
func (c *canvas) fillPolygon(corners []spot, col color) {
	var crossings []int
	for y := range c.height {
		crossings = crossings[:0]
		middle := float64(y) + 0.5
		for i, a := range corners {
			b := corners[(i+1)%len(corners)]
			if (float64(a.y) < middle) == (float64(b.y) < middle) {
				continue
			}
			x := float64(a.x) + (middle-float64(a.y))/float64(b.y-a.y)*float64(b.x-a.x)
			crossings = append(crossings, int(math.Round(x)))
		}
		slices.Sort(crossings)
		for i := 0; i+1 < len(crossings); i += 2 {
			c.span(crossings[i], crossings[i+1], y, col, tint)
		}
	}
}

func (c *canvas) outline(corners []spot, col color) {
	for i, a := range corners {
		b := corners[(i+1)%len(corners)]
		c.line(a.x, a.y, b.x, b.y, col)
	}
}

// name writes the name of a polygon in its middle.
func (c *canvas) name(corners []spot, col color, name string) {
	if len(corners) == 0 {
		return
	}
	var sum spot
	for _, p := range corners {
		sum.x, sum.y = sum.x+p.x, sum.y+p.y
	}
	c.text(sum.x/len(corners)-c.textWidth(name)/2, sum.y/len(corners), name, col, opaque)
}
