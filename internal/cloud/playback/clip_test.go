package playback

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia/types"
	"github.com/stretchr/testify/require"
)

func TestClip(t *testing.T) {
	w := newWorld(t)
	w.record(at(0), 30, 2*time.Second)
	c, err := w.Clip(t.Context(), "alice", "porch.front", span(5, 9))
	require.NoError(t, err)
	require.EqualValues(t, len("an MP4 file"), c.Bytes)
	require.Equal(t, span(4, 10), Range{c.From, c.To})
	require.Regexp(t, `^clips/[0-9a-f]{32}/porch\.front/20260504T030205\.000Z-20260504T030211\.000Z-[0-9a-f]{32}\.mp4$`, c.Key)
	require.NotContains(t, c.Key, "alice")
	r := w.clips[0].ClipFragmentSelector.TimestampRange
	require.Equal(t, types.ClipFragmentSelectorTypeProducerTimestamp, w.clips[0].ClipFragmentSelector.FragmentSelectorType)
	require.Equal(t, at(4), *r.StartTimestamp)
	require.Equal(t, at(8.001), *r.EndTimestamp, "the last fragment is the one that starts at 8")
	o := w.objects[c.Key]
	require.Equal(t, "an MP4 file", string(o.body))
	require.Equal(t, "thumbs", *o.in.Bucket)
	require.Equal(t, "video/mp4", *o.in.ContentType)
	require.Equal(t, `attachment; filename="porch.front_20260504T030205Z.mp4"`, *o.in.ContentDisposition)
	left, err := os.ReadDir(w.cfg.TempDir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestClipIsMadeOnce(t *testing.T) {
	w := newWorld(t)
	w.record(at(0), 3, 2*time.Second)
	clip := func(owner string, r Range) Clip {
		t.Helper()
		c, err := w.Clip(t.Context(), owner, "porch.front", r)
		require.NoError(t, err)
		return c
	}
	first := clip("alice", span(0, 60))
	require.Equal(t, first, clip("alice", span(0, 60)))
	require.Equal(t, first, clip("alice", span(1, 30)), "of the same fragments")
	require.Len(t, w.clips, 1)
	require.NotEqual(t, first.Key, clip("bob", span(0, 60)).Key)
	require.Len(t, w.clips, 2)

	w.record(at(6), 1, 2*time.Second)
	require.NotEqual(t, first.Key, clip("alice", span(0, 60)).Key, "more has come")
	w.fragments = append(w.fragments[:1], w.fragments[2:]...)
	require.NotEqual(t, first.Key, clip("alice", span(0, 60)).Key)
	require.Len(t, w.clips, 4)

	w.now = w.now.Add(fresh + time.Second)
	clip("alice", span(0, 60))
	require.Len(t, w.clips, 5, "one that is about to be removed is made again")
}

func TestClipThatIsTooLong(t *testing.T) {
	w := newWorld(t)
	w.record(at(0), 1800, 2*time.Second)
	var long *TooLongError
	_, err := w.Clip(t.Context(), "alice", "porch.front", span(11, 600))
	require.ErrorAs(t, err, &long)
	require.Equal(t, at(410), long.Until)
	_, err = w.Clip(t.Context(), "alice", "porch.front", Range{at(11), long.Until})
	require.NoError(t, err)

	for i := range w.fragments {
		w.fragments[i].FragmentSizeInBytes = 40_000_000
	}
	_, err = w.Clip(t.Context(), "alice", "porch.front", span(10, 20))
	require.ErrorAs(t, err, &long)
	require.Equal(t, at(14), long.Until)
	_, err = w.Clip(t.Context(), "alice", "porch.front", Range{at(10), long.Until})
	require.NoError(t, err)
	for i := range w.fragments {
		w.fragments[i].FragmentSizeInBytes = 140_000_000
	}
	_, err = w.Clip(t.Context(), "alice", "porch.front", span(10, 20))
	require.ErrorIs(t, err, ErrFormat)
}

func TestClipThatBreaksOff(t *testing.T) {
	w := newWorld(t)
	w.record(at(0), 3, 2*time.Second)
	whole := strings.Repeat("film", 1<<16)
	broken := func() io.Reader {
		return io.MultiReader(strings.NewReader(whole+whole), iotest.ErrReader(errors.New("connection reset")))
	}
	w.film = func(try int) io.Reader {
		if try < attempts {
			return broken()
		}
		return strings.NewReader(whole)
	}
	c, err := w.Clip(t.Context(), "alice", "porch.front", span(0, 60))
	require.NoError(t, err)
	require.Equal(t, whole, string(w.objects[c.Key].body))

	for name, film := range map[string]func(int) io.Reader{
		"always breaks off": func(int) io.Reader { return broken() },
		"is empty":          func(int) io.Reader { return bytes.NewReader(nil) },
	} {
		w := newWorld(t)
		w.record(at(0), 3, 2*time.Second)
		w.film = film
		_, err = w.Clip(t.Context(), "alice", "porch.front", span(0, 60))
		require.ErrorIs(t, err, ErrBusy, name)
		require.Len(t, w.clips, attempts)
		require.Empty(t, w.objects, "half a clip is none")
	}
}

func TestClipWhenS3DoesNotAnswer(t *testing.T) {
	for _, broken := range []string{"HeadObject", "PutObject"} {
		w := newWorld(t)
		w.record(at(0), 3, 2*time.Second)
		w.fail = func(operation string) error {
			if operation == broken {
				return errors.New("connection refused")
			}
			return nil
		}
		_, err := w.Clip(t.Context(), "alice", "porch.front", span(0, 60))
		require.ErrorIs(t, err, ErrBusy, broken)
	}
}
