package event

import (
	"image"
	"image/color"
	"time"
)

// Frame is one decoded picture for inference. Pix is BGR, three bytes a
// pixel, rows from the top without padding, so len(Pix) == Width*Height*3.
// A frame and its pixels are never changed once handed on, so that many
// readers may share them.
type Frame struct {
	Sequence int64         // counts up from 0 over the life of the source
	Time     time.Time     // wall clock when the picture was taken
	Offset   time.Duration // from the start of a file source, else of the connection
	Width    int           // pixels
	Height   int           // pixels
	Pix      []byte        // BGR
}

// Whole tells whether the frame has exactly the pixels its size asks for. A
// decoder that was cut off can hand on one that has not.
func (f *Frame) Whole() bool {
	return f != nil && f.Width > 0 && f.Height > 0 && f.Width <= len(f.Pix)/f.Height && len(f.Pix) == f.Width*f.Height*3
}

// Detection is one labelled box in one frame.
type Detection struct {
	Label string  // as the model's label file says, lower case
	Score float64 // 0..1
	Box   Box
}

// Bounds implements image.Image.
func (f *Frame) Bounds() image.Rectangle { return image.Rect(0, 0, f.Width, f.Height) }

// ColorModel implements image.Image.
func (f *Frame) ColorModel() color.Model { return color.RGBAModel }

// At implements image.Image.
func (f *Frame) At(x, y int) color.Color {
	if !(image.Point{x, y}.In(f.Bounds())) {
		return color.RGBA{}
	}
	i := (y*f.Width + x) * 3
	return color.RGBA{R: f.Pix[i+2], G: f.Pix[i+1], B: f.Pix[i], A: 255}
}

var _ image.Image = (*Frame)(nil)
