package page

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

// watch opens a stream and returns its parts.
func (s *served) watch(t *testing.T, client *http.Client) *multipart.Reader {
	t.Helper()
	out, err := client.Do(s.get(t, "/camera/home.door/live"))
	require.NoError(t, err)
	t.Cleanup(func() { out.Body.Close() })
	require.Equal(t, http.StatusOK, out.StatusCode)
	kind, params, err := mime.ParseMediaType(out.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/x-mixed-replace", kind)
	return multipart.NewReader(out.Body, params["boundary"])
}

// next returns the width of the next picture.
func next(t *testing.T, parts *multipart.Reader) int {
	t.Helper()
	part, err := parts.NextPart()
	require.NoError(t, err)
	require.Equal(t, "image/jpeg", part.Header.Get("Content-Type"))
	data, err := io.ReadAll(part)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(len(data)), part.Header.Get("Content-Length"))
	picture, err := jpeg.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	return picture.Bounds().Dx()
}

func TestPicturesAreStreamed(t *testing.T) {
	s := serve(t)
	s.view(look(10))
	require.Nil(t, s.page.cameras[0].newest, "nothing is kept while nobody watches")
	a, b := s.watch(t, s.signedIn(t)), s.watch(t, s.signedIn(t))
	for _, width := range []int{64, 65, 66} {
		s.view(look(width))
		require.Equal(t, width, next(t, a))
		require.Equal(t, width, next(t, b))
	}
	out, _ := answer(t, s.signedIn(t), s.get(t, "/camera/none/live"))
	require.Equal(t, http.StatusNotFound, out.StatusCode)
	head := s.get(t, "/camera/home.door/live")
	head.Method = http.MethodHead
	out, _ = answer(t, s.signedIn(t), head)
	require.Equal(t, http.StatusOK, out.StatusCode)
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	s := serve(t)
	b := s.signedIn(t)
	parts := s.watch(t, b)
	s.view(look(64))
	require.Equal(t, 64, next(t, parts))
	answer(t, b, s.post(t, "/logout", nil))
	_, err := parts.NextPart()
	require.Error(t, err)
	require.Eventually(t, func() bool { return s.page.viewers.Load() == 0 }, patience, time.Millisecond)
	require.Empty(t, s.page.cameras[0].streams)
	require.Nil(t, s.page.cameras[0].newest)
}

func TestViewersAreLimited(t *testing.T) {
	s := serve(t)
	b := s.signedIn(t)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	for range mostViewers {
		out, err := b.Do(s.get(t, "/camera/home.door/live").WithContext(ctx))
		require.NoError(t, err)
		defer out.Body.Close()
		require.Equal(t, http.StatusOK, out.StatusCode)
	}
	out, body := answer(t, b, s.get(t, "/camera/home.door/live"))
	require.Equal(t, http.StatusServiceUnavailable, out.StatusCode)
	require.Contains(t, body, "close another window")
	leave()
	require.Eventually(t, func() bool { return s.page.viewers.Load() == 0 }, patience, time.Millisecond)
	s.watch(t, b)
}

// A viewer who does not read blocks nobody, and then gets the newest.
func TestASlowViewerHoldsNobodyUp(t *testing.T) {
	s := serve(t)
	slow, quick := s.watch(t, s.signedIn(t)), s.watch(t, s.signedIn(t))
	const many = 300
	noise := make([]byte, 640*480*3) // compresses badly, so that buffers fill
	for i := range noise {
		noise[i] = byte(i * i >> 3 * 7919 >> 5)
	}
	for i := range many {
		v := look(64)
		v.Frame = &event.Frame{Width: 640 + i%2, Height: 480, Pix: make([]byte, (640+i%2)*480*3)}
		copy(v.Frame.Pix, noise)
		s.view(v) // never waits, or this test would not end
		if i%50 == 0 {
			next(t, quick)
		}
	}
	s.view(look(99))
	for next(t, quick) != 99 {
	}
	seen := 1
	for next(t, slow) != 99 {
		seen++
	}
	require.Less(t, seen, many, "what was too old was left out")
}
