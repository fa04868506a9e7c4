// Package polygon is the shape in which owners draw zones and masks: corners
// in fractions of the frame, so that it fits every size of picture.
package polygon

// Point of a frame in fractions of its width and height: 0,0 is the top left
// corner, 1,1 the bottom right one. On the wire it is the array [x,y].
type Point struct{ X, Y float64 }

// Polygon is a closed shape: its last corner is joined to its first.
type Polygon []Point
