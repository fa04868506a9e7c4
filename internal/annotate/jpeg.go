package annotate

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"porchlight/internal/event"
)

// JPEG encodes a frame; quality is 1 to 100.
func JPEG(f *event.Frame, quality int) ([]byte, error) {
	if !f.Whole() {
		return nil, fmt.Errorf("encode JPEG: not a frame")
	}
	picture := image.NewRGBA(f.Bounds()) // which the encoder is quick with
	for i, j := 0, 0; i < len(f.Pix); i, j = i+3, j+4 {
		picture.Pix[j], picture.Pix[j+1], picture.Pix[j+2], picture.Pix[j+3] = f.Pix[i+2], f.Pix[i+1], f.Pix[i], 255
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode JPEG: %w", err)
	}
	return out.Bytes(), nil
}
