package update

import (
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // probes are JPEG
	_ "image/png"  // or PNG
	"os"
	"time"

	"porchlight/internal/event"
)

// maxProbePixels bounds what a small file may unpack to.
const maxProbePixels = 16 << 20

// errProbe is a model that does not see what it should.
var errProbe = errors.New("the new model does not see in the probe picture what it should")

// probe looks at a picture with the active model.
func probe(ctx context.Context, p Probe, file string, detect func(context.Context, *event.Frame) ([]event.Detection, error)) error {
	frame, err := readFrame(file)
	if err != nil {
		return fmt.Errorf("probe picture: %w", err)
	}
	found, err := detect(ctx, frame)
	if err != nil {
		return err
	}
	best := 0.0
	for _, d := range found {
		if d.Label == p.Label {
			best = max(best, d.Score)
		}
	}
	if best < p.MinScore || best == 0 {
		return fmt.Errorf("%w: %s with a score of at least %.2f; its best is %.2f, among %d detections", errProbe, p.Label, p.MinScore, best, len(found))
	}
	return nil
}

// readFrame decodes a picture file.
func readFrame(file string) (*event.Frame, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, _, err := image.DecodeConfig(f)
	if err != nil {
		return nil, fmt.Errorf("not a JPEG or PNG: %w", err)
	}
	if size.Width < 1 || size.Height < 1 || size.Width > maxProbePixels/size.Height {
		return nil, fmt.Errorf("%d x %d pixels: want at most %d in all", size.Width, size.Height, maxProbePixels)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return nil, err
	}
	picture, _, err := image.Decode(f)
	if err != nil {
		return nil, err
	}
	b := picture.Bounds()
	frame := &event.Frame{Time: time.Now(), Width: b.Dx(), Height: b.Dy(), Pix: make([]byte, 0, b.Dx()*b.Dy()*3)}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			red, green, blue, _ := picture.At(x, y).RGBA()
			frame.Pix = append(frame.Pix, byte(blue>>8), byte(green>>8), byte(red>>8))
		}
	}
	return frame, nil
}
