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
