package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"porchlight/internal/event"
)

// Snapshots is what the snapshot command needs. All fields are required.
type Snapshots struct {
	Thing string
	// Picture returns a JPEG of what a camera, <thing>.<name>, sees now, with
	// its privacy masks burned in, and when that was.
	Picture func(ctx context.Context, camera string) (jpeg []byte, at time.Time, err error)
	// Upload puts the picture where thumbnails are kept.
	Upload func(ctx context.Context, key string, jpeg []byte) error
}

// maxSnapshot bounds a picture, in bytes.
const maxSnapshot = 4 << 20

// errPicture is a picture that is none.
var errPicture = errors.New("the camera gave no usable picture")

// Handler answers with {"key","at","bytes"}: where the picture is, when it was
// taken, and how large it is.
func (s Snapshots) Handler() Handler {
	return func(ctx context.Context, c event.Command) (map[string]any, error) {
		jpeg, at, err := s.Picture(ctx, c.Camera)
		if err != nil {
			return nil, fmt.Errorf("take a picture: %w", err)
		}
		if len(jpeg) == 0 || len(jpeg) > maxSnapshot {
			return nil, fmt.Errorf("%w: %d bytes, want 1 to %d", errPicture, len(jpeg), maxSnapshot)
		}
		key := SnapshotKey(s.Thing, c.Camera, at)
		if err := s.Upload(ctx, key, jpeg); err != nil {
			return nil, fmt.Errorf("upload the picture: %w", err)
		}
		return map[string]any{"key": key, "at": event.At(at).String(), "bytes": len(jpeg)}, nil
	}
}

// SnapshotKey is a new S3 key for a picture of a camera. The thing comes
// first, because a thing's role may write below its own name only.
func SnapshotKey(thing, camera string, at time.Time) string {
	return fmt.Sprintf("thumbnails/%s/snapshots/%s/%s.jpg", thing, camera, event.NewID(at))
}

// Reload answers once the configuration has been read again. The error of
// read says what is wrong with it; the device then goes on as before.
func Reload(read func(ctx context.Context) error) Handler {
	return func(ctx context.Context, _ event.Command) (map[string]any, error) {
		if err := read(ctx); err != nil {
			return nil, fmt.Errorf("read the configuration again: %w", err)
		}
		return nil, nil
	}
}
