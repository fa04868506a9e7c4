// Package face is what can be said of a face without looking for one: how
// good a picture of it is, and, over the life of a track, whose it is.
package face

// Point of a picture, in pixels.
type Point struct{ X, Y float64 }

// Face found in a picture. Box is x0,y0,x1,y1 in pixels and may leave the
// picture. Landmarks are, as seen: left eye, right eye, nose, left and right
// corner of the mouth.
type Face struct {
	Box       [4]float64
	Score     float64 // 0..1
	Landmarks [5]Point
}

// Width of the face in pixels.
func (f Face) Width() float64 { return f.Box[2] - f.Box[0] }

// Height of the face in pixels.
func (f Face) Height() float64 { return f.Box[3] - f.Box[1] }

// Moved returns the face as seen in a picture of which this one is the part
// that begins at x, y, in pixels.
func (f Face) Moved(x, y float64) Face {
	f.Box[0], f.Box[1], f.Box[2], f.Box[3] = f.Box[0]+x, f.Box[1]+y, f.Box[2]+x, f.Box[3]+y
	for i := range f.Landmarks {
		f.Landmarks[i].X += x
		f.Landmarks[i].Y += y
	}
	return f
}

// IoU is the intersection of the boxes of two faces over their union, 0..1.
func (f Face) IoU(o Face) float64 {
	w := min(f.Box[2], o.Box[2]) - max(f.Box[0], o.Box[0])
	h := min(f.Box[3], o.Box[3]) - max(f.Box[1], o.Box[1])
	if !(w > 0 && h > 0) {
		return 0
	}
	return w * h / (f.Width()*f.Height() + o.Width()*o.Height() - w*h)
}
