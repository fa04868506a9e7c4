// Package annotate draws what the pipeline saw and did into a copy of the
// frame, for people who tune masks and zones or want to know why something was
// or was not an event. It is pure Go.
package annotate

import (
	"fmt"
	"slices"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// Annotator draws the views of one camera. It may be used concurrently.
type Annotator struct {
	settings config.Camera
	zones    []string // names, sorted, so that every frame looks the same
}

// New returns an annotator that also draws the zones and masks of the settings.
func New(settings config.Camera) *Annotator {
	a := &Annotator{settings: settings}
	for name := range settings.Zones {
		a.zones = append(a.zones, name)
	}
	slices.Sort(a.zones)
	return a
}

// Draw returns a copy of the view's frame with all the rest of the view drawn
// into it. The view stays as it is. A frame whose pixels do not fit its size is
// returned as it came.
//
// Zones are green, motion masks blue, object masks red, privacy masks outlined
// in gray. Thin yellow is motion, dashed white where the detector looked, gray
// what was ignored and why. An object has the color of its track: thick once it
// has proved true, thin before, dim while at rest, dashed where it was not seen.
func (a *Annotator) Draw(v *pipeline.View) *event.Frame {
	f := v.Frame
	if !f.Whole() {
		return f
	}
	out := *f
	out.Pix = slices.Clone(f.Pix)
	c := &canvas{width: f.Width, height: f.Height, pix: out.Pix, scale: max(1, f.Width/1280)}
	if v.Open != nil {
		c.top = c.textHeight()
	}
	a.places(c)
	for _, b := range v.Motion.Boxes {
		c.box(b, style{color: yellow, alpha: opaque, thick: 1})
	}
	for _, b := range v.Regions {
		c.box(b, style{color: white, alpha: opaque, thick: 1, dashed: true})
	}
	for _, i := range v.Ignored {
		if !Continues(v, i) {
			ignored(c, i)
		}
	}
	for _, t := range v.Tracks {
		object(c, t)
	}
	for _, t := range v.Faces {
		faces(c, t)
	}
	if v.Open != nil {
		banner(c, v.Open)
	}
	clock(c, f)
	timings(c, v)
	return &out
}

// places draws what the owner has drawn: zones and masks.
func (a *Annotator) places(c *canvas) {
	for _, name := range a.zones {
		c.polygon(a.settings.Zones[name].Polygon, green, name)
	}
	for i, p := range a.settings.Motion.Masks {
		c.polygon(p, blue, fmt.Sprintf("motion mask %d", i+1))
	}
	for i, m := range a.settings.ObjectMasks {
		name := fmt.Sprintf("object mask %d", i+1)
		if len(m.Labels) > 0 {
			name += ": " + list(m.Labels)
		}
		c.polygon(m.Polygon, red, name)
	}
	for i, p := range a.settings.PrivacyMasks {
		corners := c.corners(p)
		c.outline(corners, gray)
		c.name(corners, gray, fmt.Sprintf("privacy mask %d", i+1))
	}
}
