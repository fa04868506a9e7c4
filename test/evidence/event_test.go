package evidence

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
)

// An event's video is on the disk and in the cloud, from before it to after it.
func TestEventIsRecordedAndUploaded(t *testing.T) {
	t.Parallel()
	c, camera := newCloud(t), newCamera(t)
	h := live(t, t.TempDir(), c, camera, settings(nil), nil)
	h.flows(4 * time.Second)
	e := happening(event.Alert)
	h.becomes(&e, event.Started)
	clip := h.sink.last().Clip
	require.NotNil(t, clip, "it is said at once where its video will be")
	require.Equal(t, door, clip.Stream)
	require.Equal(t, event.At(e.StartedAt.Add(-2*time.Second)), clip.From)
	eventually(t, "a first fragment", func() bool { return len(c.fragments(door)) > 0 })
	h.becomes(&e, event.Ended)
	clip = h.sink.last().Clip
	require.Equal(t, event.At(e.EndedAt.Add(time.Second)), clip.To)
	eventually(t, "all of it in the cloud", func() bool { return c.covers(clip.From.Time, clip.To.Time) })
	eventually(t, "all of it on the disk", func() bool {
		ranges := h.locker.Library().Ranges(door, clip.From.Time, clip.To.Time)
		return len(ranges) == 1 && !ranges[0].From.After(clip.From.Time) && !ranges[0].To.Before(clip.To.Add(-200*time.Millisecond))
	})
}

// Without a cloud recording goes on, and no event says that it is uploaded.
func TestRecordingWithoutTheCloud(t *testing.T) {
	t.Parallel()
	h := live(t, t.TempDir(), nil, newCamera(t), settings(nil), nil)
	h.flows(4 * time.Second)
	e := happening(event.Notice)
	h.becomes(&e, event.Started)
	require.Nil(t, h.sink.last().Clip)
	eventually(t, "it is on the disk", func() bool {
		return len(h.locker.Library().Ranges(door, e.StartedAt.Add(-time.Second), e.StartedAt.Time)) == 1
	})
}

// An alert that rises later is uploaded from the event's start.
func TestAnEventThatBecomesAnAlert(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	h := live(t, t.TempDir(), c, newCamera(t), settings(func(s *config.Camera) { s.Upload.Mode = config.VideoAlerts }), nil)
	h.flows(4 * time.Second)
	e := happening(event.Notice)
	h.becomes(&e, event.Started)
	require.Nil(t, h.sink.last().Clip)
	eventually(t, "some time", func() bool { return time.Since(e.StartedAt.Time) > 2*time.Second })
	require.Empty(t, c.fragments(door))
	e.Severity = event.Alert
	h.becomes(&e, event.Updated)
	clip := h.sink.last().Clip
	require.NotNil(t, clip)
	require.Equal(t, event.At(e.StartedAt.Add(-2*time.Second)), clip.From)
	eventually(t, "it is there from its start", func() bool { return c.covers(clip.From.Time, e.UpdatedAt.Time) })
}

// Pictures of an alert are in the bucket of thumbnails, where the device may
// write, and say of which event they are.
func TestPicturesOfAnAlert(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	h := live(t, t.TempDir(), c, newCamera(t), settings(nil), nil)
	h.flows(2 * time.Second)
	e := happening(event.Alert)
	h.becomes(&e, event.Started)
	eventually(t, "a picture", func() bool { return c.pictures.named(e.EventID) != "" })
	require.Regexp(t, `^pictures/thumbnails/home/images_000000000000_home\.door_\d+_.+\.jpg$`, c.pictures.named(e.EventID))
}
