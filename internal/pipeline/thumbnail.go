package pipeline

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"golang.org/x/image/draw"

	"porchlight/internal/event"
)

// MaxThumbnail is the largest thumbnail, in bytes.
const MaxThumbnail = 60 << 10

// thumbnailWidth in pixels; enough for a phone's full width.
const thumbnailWidth = 640

// Thumbnail returns the whole frame as a JPEG of at most MaxThumbnail bytes.
func Thumbnail(f *event.Frame) ([]byte, error) {
	if !f.Whole() {
		return nil, fmt.Errorf("frame of %dx%d pixels has %d bytes", f.Width, f.Height, len(f.Pix))
	}
	picture := rgba(f)
	if f.Width > thumbnailWidth {
		small := image.NewRGBA(image.Rect(0, 0, thumbnailWidth, max(1, f.Height*thumbnailWidth/f.Width)))
		draw.ApproxBiLinear.Scale(small, small.Bounds(), picture, picture.Bounds(), draw.Src, nil)
		picture = small
	}
	for quality := 80; quality >= 10; quality -= 10 {
		var out bytes.Buffer
		if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: quality}); err != nil {
			return nil, fmt.Errorf("encode JPEG: %w", err)
		}
		if out.Len() <= MaxThumbnail {
			return out.Bytes(), nil
		}
	}
	return nil, fmt.Errorf("%w: thumbnail of a %dx%d frame does not fit %d bytes", event.ErrTooLarge, f.Width, f.Height, MaxThumbnail)
}

func rgba(f *event.Frame) *image.RGBA {
	out := image.NewRGBA(f.Bounds())
	for i, j := 0, 0; i+2 < len(f.Pix); i, j = i+3, j+4 {
		out.Pix[j], out.Pix[j+1], out.Pix[j+2], out.Pix[j+3] = f.Pix[i+2], f.Pix[i+1], f.Pix[i], 255
	}
	return out
}
