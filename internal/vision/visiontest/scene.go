package visiontest

import "porchlight/internal/event"

// Object is a rectangle the synthetic network sees, a fifth of the frame wide
// and high.
type Object struct {
	Label string  // person, dog or car
	X, Y  float64 // its top left corner in fractions of the frame
}

// Box is where the network should find the object.
func (o Object) Box() event.Box { return event.Box{X0: o.X, Y0: o.Y, X1: o.X + 0.2, Y1: o.Y + 0.2} }

// Scene paints objects on gray. Corners are rounded down to whole pixels; the
// network finds them exactly where they are multiples of a twentieth of the
// frame, and within a fortieth elsewhere.
func Scene(width, height int, objects ...Object) *event.Frame {
	f := &event.Frame{Width: width, Height: height, Pix: make([]byte, width*height*3)}
	for i := range f.Pix {
		f.Pix[i] = 128
	}
	for _, o := range objects {
		b := o.Box()
		for y := int(b.Y0*float64(height) + 1e-6); y < int(b.Y1*float64(height)+1e-6) && y < height; y++ {
			for x := int(b.X0*float64(width) + 1e-6); x < int(b.X1*float64(width)+1e-6) && x < width; x++ {
				copy(f.Pix[(y*width+x)*3:], bgr(o.Label))
			}
		}
	}
	return f
}

func bgr(label string) []byte {
	switch label {
	case "person":
		return []byte{0, 0, 255}
	case "dog":
		return []byte{0, 255, 0}
	default: // car
		return []byte{255, 0, 0}
	}
}
