package annotate

import "porchlight/internal/polygon"

// tint is how much of a polygon's color is laid over the picture.
const tint = opaque / 6

// spot is a point in pixels.
type spot struct{ x, y int }

// polygon draws a translucent polygon with its outline and name.
func (c *canvas) polygon(p polygon.Polygon, col color, name string) {
	for s := range p.Spans(c.width, c.height) {
		c.span(s.From, s.To+1, s.Row, col, tint)
	}
	corners := c.corners(p)
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
