package region

import (
	"bytes"

	"porchlight/internal/event"
)

const (
	// padding is the gray level outside the frame, the one that YOLOX was
	// trained with.
	padding = 114
	// maxSide bounds a crop: no camera is wider, and sums of such numbers do
	// not overflow.
	maxSide = 1 << 15
	// maxCrop is the largest crop in pixels, the largest frame that a detector takes.
	maxCrop = 64 << 20
)

// Crop returns the part of a frame that a region shows as a frame of its own,
// with the sequence number and the times of the frame. The region of the whole
// frame is the frame itself, not a copy. A region that is empty, or absurdly
// large or far away, or a frame that does not have the pixels it claims, gives
// a frame without pixels, which a detector refuses.
func Crop(f *event.Frame, r Region) *event.Frame {
	if r == Whole(f.Width, f.Height) {
		return f
	}
	out := &event.Frame{Sequence: f.Sequence, Time: f.Time, Offset: f.Offset}
	if !f.Whole() || f.Width > maxCrop/f.Height || !r.usable() {
		return out
	}
	out.Width, out.Height = r.Width, r.Height
	left, right := max(r.X, 0), min(r.X+r.Width, f.Width)
	top, bottom := max(r.Y, 0), min(r.Y+r.Height, f.Height)
	if right-left < r.Width || bottom-top < r.Height {
		out.Pix = bytes.Repeat([]byte{padding}, r.Width*r.Height*3)
	} else {
		out.Pix = make([]byte, r.Width*r.Height*3)
	}
	if left >= right {
		return out
	}
	for y := top; y < bottom; y++ {
		from := f.Pix[(y*f.Width+left)*3 : (y*f.Width+right)*3]
		copy(out.Pix[((y-r.Y)*r.Width+left-r.X)*3:], from)
	}
	return out
}

func (r Region) usable() bool {
	near := func(v int) bool { return v >= -maxSide && v <= maxSide }
	return near(r.X) && near(r.Y) && r.Width > 0 && r.Height > 0 &&
		r.Width <= maxSide && r.Height <= maxSide && r.Width <= maxCrop/r.Height
}
