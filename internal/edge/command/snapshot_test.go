package command_test

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/command"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

func TestSnapshotOfTheNextFrame(t *testing.T) {
	var frames command.Frames
	at := time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC)
	var key string
	var stored []byte
	h := command.Snapshots{Thing: "home", Picture: frames.JPEG, Upload: func(_ context.Context, k string, jpeg []byte) error {
		key, stored = k, jpeg
		return nil
	}}.Handler()
	stop := make(chan struct{})
	var playing sync.WaitGroup
	playing.Go(func() { // the camera goes on, whoever watches
		for view := frames.View("home.door"); ; {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				view(&pipeline.View{Frame: &event.Frame{Time: at, Width: 8, Height: 4, Pix: make([]byte, 8*4*3)}})
			}
		}
	})
	result, err := h(t.Context(), snapshot("r", "door"))
	close(stop)
	playing.Wait()
	require.NoError(t, err)
	require.Equal(t, key, result["key"])
	require.Regexp(t, `^thumbnails/home/snapshots/home\.door/[0-9A-Z]{26}\.jpg$`, key)
	require.Equal(t, "2026-05-04T03:00:00.000Z", result["at"])
	picture, err := jpeg.Decode(bytes.NewReader(stored))
	require.NoError(t, err)
	require.Equal(t, 8, picture.Bounds().Dx())
}

func TestSnapshotFails(t *testing.T) {
	var frames command.Frames
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := command.Snapshots{Thing: "home", Picture: frames.JPEG}
	_, err := s.Handler()(ctx, snapshot("r", "door"))
	require.ErrorIs(t, err, command.ErrNoPicture)
	frames.View("home.door")(&pipeline.View{}) // nobody waits any more

	s.Picture = func(context.Context, string) ([]byte, time.Time, error) { return nil, time.Now(), nil }
	_, err = s.Handler()(t.Context(), snapshot("r", "door"))
	require.ErrorContains(t, err, "no usable picture")

	s.Picture = func(context.Context, string) ([]byte, time.Time, error) { return []byte("jpeg"), time.Now(), nil }
	s.Upload = func(context.Context, string, []byte) error { return errors.New("no bucket") }
	_, err = s.Handler()(t.Context(), snapshot("r", "door"))
	require.ErrorContains(t, err, "upload the picture: no bucket")
}

func TestReload(t *testing.T) {
	h := command.Reload(func(context.Context) error { return nil })
	_, err := h(t.Context(), event.Command{})
	require.NoError(t, err)
	h = command.Reload(func(context.Context) error { return errors.New("fps: 0") })
	_, err = h(t.Context(), event.Command{})
	require.ErrorContains(t, err, "configuration again: fps: 0")
}
