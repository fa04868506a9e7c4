package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"porchlight/internal/annotate"
	"porchlight/internal/capture"
	"porchlight/internal/event"
)

// ErrNoPicture says that a stream has not brought a picture.
var ErrNoPicture = errors.New("no picture came")

// Picture is the first one of a stream.
type Picture struct {
	JPEG          []byte
	Width, Height int // pixels, after scaling to 1920 at most
}

// proofWidth is how wide a picture is at most, in pixels.
const proofWidth = 1920

// grace is how long a stream with a fault may take to do better: it is tried
// again meanwhile, for some cameras have no connection free for a moment.
const grace = 3 * time.Second

// Prove plays a stream, as the component would, until its first picture, for
// most at the longest. It fails with ErrNoPicture.
func Prove(ctx context.Context, name, source string, most time.Duration, log *slog.Logger) (*Picture, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("%w in %s", ErrNoPicture, most))
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var (
		picture *Picture
		fault   error
		giveUp  *time.Timer
	)
	err := capture.Run(ctx, capture.Config{
		Name: name, URL: source, MaxWidth: proofWidth, Log: log, Timeout: most,
		OnState: func(state event.CameraState, message string) {
			if state == event.CameraFailed && giveUp == nil {
				giveUp = time.AfterFunc(grace, func() { end(fmt.Errorf("%w: %s", ErrNoPicture, message)) })
			}
		},
	}, func(f *event.Frame) {
		if picture != nil || fault != nil {
			return
		}
		var text []byte
		if text, fault = annotate.JPEG(f, 90); fault == nil {
			picture = &Picture{JPEG: text, Width: f.Width, Height: f.Height}
		}
		end(nil)
	})
	if giveUp != nil {
		giveUp.Stop()
	}
	switch {
	case picture != nil:
		return picture, nil
	case err != nil || fault != nil:
		return nil, fmt.Errorf("%w: %w", ErrNoPicture, cmp.Or(err, fault))
	}
	return nil, context.Cause(ctx)
}
