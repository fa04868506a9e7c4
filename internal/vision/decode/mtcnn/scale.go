package mtcnn

import "image"

// Side is the window of the proposal network in pixels, and so the smallest
// picture it takes.
const Side = 12

// factor between one scale and the next.
const factor = 0.709

// Scale is one picture of the pyramid.
type Scale struct {
	Factor float64     // of the original
	Size   image.Point // pixels
}

// Cells tells the size of the proposal network's map for the scale.
func (s Scale) Cells() image.Point {
	return image.Pt((s.Size.X+1)/2-5, (s.Size.Y+1)/2-5)
}

// Scales lists the pyramid of a frame in which the smallest faces to find are
// minFace pixels high, largest picture first. It is empty when the frame is
// smaller than that.
func Scales(frame image.Point, minFace int) []Scale {
	s := Side / float64(minFace)
	side := float64(min(frame.X, frame.Y)) * s
	var list []Scale
	for ; side >= Side; side *= factor {
		list = append(list, Scale{s, image.Pt(int(float64(frame.X)*s+1), int(float64(frame.Y)*s+1))})
		s *= factor
	}
	return list
}
