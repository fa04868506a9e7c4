//go:build cgo

package main

import (
	"context"
	"errors"

	"porchlight/internal/event"
)

// openVideo is the seam to the capture package: it calls do with every frame
// of a video file in order, and returns do's first error.
func openVideo(_ context.Context, _ string, _ func(*event.Frame) error) error {
	return errors.New("it is neither a JPEG nor a PNG picture, and this build cannot open videos: convert it to pictures first")
}
