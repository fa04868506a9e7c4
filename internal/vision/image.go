//go:build cgo

package vision

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // to read the size before decoding
	_ "image/png"  // likewise

	"porchlight/internal/event"
)

// ErrImage is data that is not a picture this package decodes.
var ErrImage = errors.New("not a usable picture")

// DecodeImage decodes a JPEG or PNG picture to the pixels that cv::imdecode
// gives, turned upright as its EXIF orientation says. Pictures over MaxPixels
// are refused before memory is spent on them, and JPEG data that was cut short
// is refused instead of shown half gray. Errors wrap ErrImage.
func DecodeImage(data []byte) (*event.Frame, error) {
	cfg, format, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case len(data) == 0:
		return nil, fmt.Errorf("%w: it is empty: record it again", ErrImage)
	case err != nil:
		return nil, fmt.Errorf("%w: %w: use a JPEG or PNG file", ErrImage, err)
	case format != "jpeg" && format != "png":
		return nil, fmt.Errorf("%w: it is %s: use a JPEG or PNG file", ErrImage, format)
	case cfg.Width < 1 || cfg.Height < 1 || cfg.Width > MaxPixels/cfg.Height:
		return nil, fmt.Errorf("%w: %d x %d pixels are over the limit of %d: make it smaller", ErrImage, cfg.Width, cfg.Height, MaxPixels)
	case format == "jpeg" && cutShort(data):
		return nil, fmt.Errorf("%w: the JPEG data is cut short: copy it again", ErrImage)
	}
	m, err := decodeBGR(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: save it again with another program", ErrImage, err)
	}
	defer closeMat(m)
	if m.Empty() {
		return nil, fmt.Errorf("%w: the %s data is damaged: copy it again", ErrImage, format)
	}
	pix, err := m.DataPtrUint8()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImage, err)
	}
	f := &event.Frame{Width: m.Cols(), Height: m.Rows(), Pix: append([]byte(nil), pix...)}
	return f, checkFrame(f)
}

// cutShort tells that JPEG data lacks an end of image after its last start of
// scan. Inside a scan 0xFF is always followed by 0 or a restart marker, so the
// marker is not found by chance there (ITU T.81, B.1.1.5).
func cutShort(data []byte) bool {
	return bytes.LastIndex(data, []byte{0xFF, 0xD9}) < bytes.LastIndex(data, []byte{0xFF, 0xDA})
}
