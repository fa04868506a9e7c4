//go:build cgo

package vision_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
)

func encodePNG(t testing.TB, f *event.Frame) []byte {
	t.Helper()
	var buf bytes.Buffer
	require.NoError(t, png.Encode(&buf, f))
	return buf.Bytes()
}

func encodeJPEG(t testing.TB, f *event.Frame) []byte {
	t.Helper()
	var buf bytes.Buffer
	require.NoError(t, jpeg.Encode(&buf, f, &jpeg.Options{Quality: 95}))
	return buf.Bytes()
}

// withOrientation puts an EXIF orientation right after the start of a JPEG.
func withOrientation(data []byte, orientation uint16) []byte {
	exif := []byte("Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	exif = binary.BigEndian.AppendUint16(exif, orientation)
	exif = append(exif, 0, 0, 0, 0, 0, 0)
	segment := append([]byte{0xFF, 0xE1}, binary.BigEndian.AppendUint16(nil, uint16(len(exif)+2))...)
	return bytes.Join([][]byte{data[:2], segment, exif, data[2:]}, nil)
}

// hugePNG is a valid header of a picture that would take gigabytes.
func hugePNG(width, height uint32) []byte {
	ihdr := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)...)
	ihdr = append(ihdr, 8, 2, 0, 0, 0)
	data := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	return binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(ihdr))
}

func TestDecodeImageIsExactForPNG(t *testing.T) {
	want := visiontest.Scene(33, 21, visiontest.Object{Label: "person", X: 0.2, Y: 0.2}, visiontest.Object{Label: "car", X: 0.6, Y: 0.6})
	got, err := vision.DecodeImage(encodePNG(t, want))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestDecodeImageDropsTransparencyAndGray(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 4, 3))
	gray.SetGray(1, 2, color.Gray{Y: 200})
	var buf bytes.Buffer
	require.NoError(t, png.Encode(&buf, gray))
	got, err := vision.DecodeImage(buf.Bytes())
	require.NoError(t, err)
	require.Equal(t, color.RGBA{200, 200, 200, 255}, got.At(1, 2))
}

func TestDecodeImageTurnsPicturesUpright(t *testing.T) {
	lying := encodeJPEG(t, visiontest.Scene(80, 40, visiontest.Object{Label: "person", X: 0, Y: 0}))
	got, err := vision.DecodeImage(withOrientation(lying, 6)) // the top is at the right: turn clockwise
	require.NoError(t, err)
	require.Equal(t, [2]int{40, 80}, [2]int{got.Width, got.Height})
	red := got.At(38, 2).(color.RGBA)
	require.Greater(t, red.R, uint8(200))
	require.Less(t, red.G, uint8(60))
	gray := got.At(2, 78).(color.RGBA)
	require.InDelta(t, 128, int(gray.R), 4)
}

func TestDecodeImageRefusesWhatItCannotTrust(t *testing.T) {
	scene := visiontest.Scene(64, 48, visiontest.Object{Label: "dog", X: 0.2, Y: 0.2})
	whole, wholePNG := encodeJPEG(t, scene), encodePNG(t, scene)
	var animation bytes.Buffer
	require.NoError(t, gif.Encode(&animation, scene, nil))
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"nothing":       {nil, "empty"},
		"text":          {[]byte("GIF, PNG or JPEG?"), "use a JPEG or PNG file"},
		"gif":           {animation.Bytes(), "use a JPEG or PNG file"},
		"jpeg head":     {whole[:200], ""},
		"cut jpeg":      {whole[:len(whole)-40], "cut short"},
		"cut png":       {wholePNG[:len(wholePNG)-40], "damaged"},
		"too many":      {hugePNG(60000, 60000), "over the limit"},
		"overflow":      {hugePNG(1<<31-1, 1<<31-1), ""},
		"only a header": {hugePNG(10, 10), "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := vision.DecodeImage(c.data)
			require.ErrorIs(t, err, vision.ErrImage)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func FuzzDecodeImage(f *testing.F) {
	scene := visiontest.Scene(24, 16, visiontest.Object{Label: "dog", X: 0.2, Y: 0.2})
	whole := encodeJPEG(f, scene)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(withOrientation(whole, 5))
	f.Add(encodePNG(f, scene))
	f.Add(hugePNG(60000, 60000))
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := vision.DecodeImage(data)
		if err == nil && len(frame.Pix) != frame.Width*frame.Height*3 {
			t.Fatalf("%d x %d, %d bytes", frame.Width, frame.Height, len(frame.Pix))
		}
	})
}
