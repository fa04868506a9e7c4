package face

import "porchlight/internal/event"

// Where a face may be on a person.
const (
	mostDown    = 0.5 // center of the face, from the top of the person, as a fraction of the person's height
	leastInside = 0.6 // part of the face that lies in the person's box
)

// BelongsTo tells whether a face in a frame of width x height pixels can be
// that of a person: most of it lies in the person's box, its center in the
// upper half. Half, not less, as of a person close to the camera only head and
// shoulders are seen.
func (f Face) BelongsTo(person event.Box, width, height int) bool {
	box := f.fractions(width, height)
	if !(box.Area() > 0 && person.Area() > 0) || person.Intersect(box) < leastInside*box.Area() {
		return false
	}
	x, y := (box.X0+box.X1)/2, (box.Y0+box.Y1)/2
	return x >= person.X0 && x <= person.X1 && y >= person.Y0 && y <= person.Y0+mostDown*person.Height()
}

// Owner returns which of several persons a face belongs to: of those it can
// belong to, the one whose head it is nearest to the place of, counted in
// widths and heights of the person. It is -1 when there is none.
func (f Face) Owner(persons []event.Box, width, height int) int {
	box := f.fractions(width, height)
	x, y := (box.X0+box.X1)/2, (box.Y0+box.Y1)/2
	best, least := -1, 0.0
	for i, p := range persons {
		if !f.BelongsTo(p, width, height) {
			continue
		}
		dx := (x - (p.X0+p.X1)/2) / p.Width()
		dy := (y - p.Y0) / p.Height()
		if d := dx*dx + dy*dy; best < 0 || d < least {
			best, least = i, d
		}
	}
	return best
}

func (f Face) fractions(width, height int) event.Box {
	w, h := float64(width), float64(height)
	return event.Box{X0: f.Box[0] / w, Y0: f.Box[1] / h, X1: f.Box[2] / w, Y1: f.Box[3] / h}
}
