package annotate

import (
	"fmt"
	"slices"

	"porchlight/internal/event"
	"porchlight/internal/pipeline"
	"porchlight/internal/track"
)

// samePlace is the overlap (IoU) from which two boxes are of one thing.
const samePlace = 0.4

// Continues says whether something that was too weak to count by itself was
// taken for an object that is followed: then there is no need to tell of it.
func Continues(v *pipeline.View, i pipeline.Ignored) bool {
	return slices.Contains(v.Found, i.Detection) && slices.ContainsFunc(v.Tracks, func(t track.Track) bool {
		return t.Seen && t.True && t.Box.IoU(i.Box) > samePlace
	})
}

// ignored draws a detection that does not count, and why.
func ignored(c *canvas, i pipeline.Ignored) {
	c.box(i.Box, style{color: gray, alpha: opaque, thick: 1})
	c.above(i.Box, fmt.Sprintf("%s %.2f: %s", i.Label, i.Score, i.Reason), gray, opaque)
}

// object draws a track.
func object(c *canvas, t track.Track) {
	s := style{color: trackColor(t.ID), alpha: opaque, thick: 1, dashed: !t.Seen}
	text := fmt.Sprintf("#%d %s %.2f", t.ID, t.Label, t.Score)
	switch {
	case t.Known:
		text += " known"
	case t.Stationary:
		text += " still"
	case !t.True:
		text += " ?"
	}
	if t.True {
		s.thick = 2
	}
	if t.Stationary {
		s.alpha = opaque / 2
	}
	c.box(t.Box, s)
	c.above(t.Box, text, s.color, s.alpha)
}

// above writes on top of a box.
func (c *canvas) above(b event.Box, text string, col color, alpha int) {
	x, y := c.corner(b)
	c.text(x, y-c.textHeight(), text, col, alpha)
}

// faces draws a face with its landmarks, the eyes larger than the rest.
func faces(c *canvas, f pipeline.TrackFace) {
	w, h := float64(c.width), float64(c.height)
	c.box(event.Box{X0: f.Box[0] / w, Y0: f.Box[1] / h, X1: f.Box[2] / w, Y1: f.Box[3] / h}, style{color: cyan, alpha: opaque, thick: 1})
	for i, p := range f.Landmarks {
		x, y, r := pixels(p.X/w, c.width), pixels(p.Y/h, c.height), c.scale
		if i < 2 {
			r = 2 * c.scale
		}
		c.fill(x-r, y-r, x+r, y+r, cyan, opaque)
	}
}
