package recording_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media/mediatest"
	"porchlight/internal/recording"
	"porchlight/internal/recording/segment"
)

// TestContent: any part of a clip is that part of the file.
func TestContent(t *testing.T) {
	r := newRig(t, set{recorder: func(c *recording.Config) { c.Mode, c.Segment = recording.Always, 2*time.Second }})
	r.film(noon, encode(t, "6", bframes...))
	r.stop()
	clip := func() *recording.Clip {
		c, err := r.library.Clip(t.Context(), "home.door", after(1), after(5))
		require.NoError(t, err)
		t.Cleanup(c.Close)
		return c
	}
	var whole bytes.Buffer
	require.NoError(t, clip().Write(&whole))
	content, err := clip().Content()
	require.NoError(t, err)
	require.EqualValues(t, whole.Len(), content.Size)
	require.True(t, bytes.HasPrefix(whole.Bytes(), content.Header))
	require.NoError(t, iotest.TestReader(content, whole.Bytes()))
	for range 200 {
		from := rand.Int64N(content.Size)
		n := min(content.Size-from, 1+rand.Int64N(100_000))
		_, err := content.Seek(from, io.SeekStart)
		require.NoError(t, err)
		part := make([]byte, n)
		_, err = io.ReadFull(content, part)
		require.NoError(t, err)
		require.True(t, bytes.Equal(whole.Bytes()[from:from+n], part), "%d bytes from %d", n, from)
	}
	_, err = content.Seek(-1, io.SeekStart)
	require.Error(t, err)
	_, err = content.Seek(10, io.SeekEnd)
	require.NoError(t, err)
	_, err = content.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)

	again, err := clip().Content()
	require.NoError(t, err)
	require.Equal(t, content.Header, again.Header)
	for _, path := range paths(t, r.dir) {
		require.NoError(t, os.Truncate(path, 100))
	}
	_, err = io.Copy(io.Discard, again)
	require.Error(t, err, "a file that became shorter is no end of the clip")
}

// TestClipOfDamagedFiles has what can be read.
func TestClipOfDamagedFiles(t *testing.T) {
	r := newRig(t, set{recorder: func(c *recording.Config) { c.Mode, c.Segment = recording.Always, 2*time.Second }})
	r.film(noon, encode(t, "8", plain...))
	r.stop()
	files := paths(t, r.dir)
	require.Len(t, files, 4)
	require.NoError(t, os.WriteFile(files[1], []byte("no video at all"), 0o600))
	l := openReader(t, r.dir, r.log)
	clip, err := l.Clip(t.Context(), "home.door", after(0), after(100))
	require.NoError(t, err)
	require.Equal(t, 1, r.log.count("cannot be read and is left out"))
	require.Equal(t, 150, mediatest.Decode(t, cut(t, clip)))
	_, err = l.Clip(t.Context(), "home.door", after(2.5), after(3))
	require.ErrorIs(t, err, segment.ErrDamaged)
}
