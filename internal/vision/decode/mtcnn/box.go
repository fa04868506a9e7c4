package mtcnn

import (
	"image"
	"math"
)

// Box is a face in the making, in pixels of the frame.
type Box struct {
	X1, Y1, X2, Y2 float32
	Score          float32
	Shift          [4]float32    // by which the network wants the corners moved, in fractions of the box
	Points         [5][2]float32 // landmarks in pixels, once the output network has spoken
}

func (b *Box) finite() bool {
	sum := float64(b.X1) + float64(b.Y1) + float64(b.X2) + float64(b.Y2)
	for _, p := range b.Points {
		sum += float64(p[0]) + float64(p[1])
	}
	return !math.IsNaN(sum) && math.Abs(sum) < 1e9
}

// shifted returns the box moved as the network wants, with sides measured
// longer by one where the reference does so.
func (b Box) shifted(one float32) Box {
	w, h := b.X2-b.X1+one, b.Y2-b.Y1+one
	b.X1 += float32(b.Shift[0] * w)
	b.Y1 += float32(b.Shift[1] * h)
	b.X2 += float32(b.Shift[2] * w)
	b.Y2 += float32(b.Shift[3] * h)
	return b
}

// square returns the box grown to a square around its center.
func (b Box) square() Box {
	w, h := b.X2-b.X1, b.Y2-b.Y1
	side := max(w, h)
	b.X1 = b.X1 + float32(w*0.5) - float32(side*0.5)
	b.Y1 = b.Y1 + float32(h*0.5) - float32(side*0.5)
	b.X2, b.Y2 = b.X1+side, b.Y1+side
	return b
}

// Crop returns the pixels of the frame that the next network looks at: the box
// with its corners cut to integers, counted from 1, and clipped. It is empty
// when the box lies outside the frame.
func (b Box) Crop(frame image.Point) image.Rectangle {
	return image.Rectangle{
		Min: image.Pt(max(int(b.X1), 1)-1, max(int(b.Y1), 1)-1),
		Max: image.Pt(min(int(b.X2), frame.X), min(int(b.Y2), frame.Y)),
	}
}
