// Package privacy burns the parts of a picture that its owner wants nobody to
// see into it, before anything else looks at it or keeps it.
package privacy

import (
	"bytes"
	"slices"

	"porchlight/internal/event"
	"porchlight/internal/polygon"
)

// Gray is the blue, green and red of every burned pixel, of 255: dark, and
// plainly not a part of the scene.
const Gray = 32

// Mask covers parts of the frames of one camera. It is used by one goroutine
// at a time. A nil Mask covers nothing.
type Mask struct {
	polygons      []polygon.Polygon
	width, height int    // of the frames that runs is for
	runs          []run  // to cover, from the top
	gray          []byte // as long as the longest run
}

// run of bytes in Frame.Pix.
type run struct{ from, to int }

// New returns a mask that covers the polygons, which must be valid.
func New(polygons []polygon.Polygon) *Mask { return &Mask{polygons: slices.Clone(polygons)} }

// Apply returns a copy of the frame in which every pixel whose middle lies in
// one of the polygons is Gray, or the frame itself when there are no polygons.
// The frame is not changed. One whose pixels do not fit its size is covered
// whole, for nobody could tell what they show.
func (m *Mask) Apply(f *event.Frame) *event.Frame {
	if m == nil || len(m.polygons) == 0 {
		return f
	}
	covered := *f
	if !f.Whole() {
		covered.Pix = bytes.Repeat([]byte{Gray}, len(f.Pix))
		return &covered
	}
	if m.width != f.Width || m.height != f.Height {
		m.lay(f.Width, f.Height)
	}
	covered.Pix = slices.Clone(f.Pix)
	for _, r := range m.runs {
		copy(covered.Pix[r.from:r.to], m.gray)
	}
	return &covered
}

// lay works out the runs for frames of a size. Runs neither overlap nor meet:
// each pixel is written once.
func (m *Mask) lay(width, height int) {
	m.width, m.height, m.runs = width, height, nil
	inside, longest := polygon.Mask(m.polygons, width, height), 0
	for at := 0; at < len(inside); at++ {
		if !inside[at] {
			continue
		}
		from := at
		for at < len(inside) && inside[at] {
			at++
		}
		m.runs = append(m.runs, run{from * 3, at * 3})
		longest = max(longest, (at-from)*3)
	}
	m.gray = bytes.Repeat([]byte{Gray}, longest)
}
