package evidence

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/edge/evidence"
	"porchlight/internal/event"
	"porchlight/internal/localcloud/kvs/ingest"
)

// Privacy mode in mid-event: nothing more leaves, also nothing that waits. What
// waits goes on afterwards.
func TestPrivacyStopsAtOnce(t *testing.T) {
	t.Parallel()
	c, dir, camera := newCloud(t), t.TempDir(), newCamera(t)
	h := live(t, dir, c, camera, settings(nil), nil)
	h.flows(3 * time.Second)
	release := c.video.Faults.Inject(ingest.Fault{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable", Times: -1})
	e := happening(event.Alert)
	h.becomes(&e, event.Started)
	eventually(t, "it waits", func() bool {
		return h.keeper.Stats().Upload.Retries > 0 && h.safe().After(e.StartedAt.Add(time.Second))
	})
	h.becomes(&e, event.Ended)
	h.end(evidence.ErrPrivate)
	release()
	require.Empty(t, c.fragments(door))
	require.Positive(t, h.keeper.Stats().Upload.Waiting+h.keeper.Stats().Upload.Unpersisted)

	live(t, dir, c, camera, settings(nil), nil)
	eventually(t, "what waited", func() bool { return c.covers(e.StartedAt.Add(-time.Second), e.StartedAt.Add(time.Second)) })
}

// When the day's bytes are used up uploading stops and is said to; the disk
// goes on.
func TestTheDaysBytes(t *testing.T) {
	t.Parallel()
	c, dir, camera := newCloud(t), t.TempDir(), newCamera(t)
	little := settings(func(s *config.Camera) { s.Upload.Mode, s.Upload.DailyBytes = config.VideoContinuous, 1 })
	h := live(t, dir, c, camera, little, nil)
	eventually(t, "the end of it", func() bool { return h.keeper.Stats().Over })
	eventually(t, "a word about it", func() bool { message, _ := h.notes.Load(door); return message != "" && message != nil })
	require.Equal(t, "over", h.keeper.Stats().Telemetry().Upload)
	require.Equal(t, 1, h.logged("upload.daily_bytes are used up"))
	e := happening(event.Alert)
	h.becomes(&e, event.Started)
	require.Nil(t, h.sink.last().Clip)
	eventually(t, "it is on the disk", func() bool { return h.safe().After(e.StartedAt.Time) })
	spent := h.keeper.Stats().Today
	require.Positive(t, spent)
	h.end(nil)

	// It counts over a restart.
	next := live(t, dir, c, camera, little, nil)
	next.flows(2 * time.Second)
	require.True(t, next.keeper.Stats().Over || time.Now().Hour() == 0, "unless it was midnight")
	require.GreaterOrEqual(t, next.keeper.Stats().Today, spent)
	require.Zero(t, next.keeper.Stats().Upload.Connections)
}

// What the service refuses for good is said in the camera's status.
func TestARefusalIsSaid(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.video.Faults.Inject(ingest.Fault{Status: http.StatusForbidden, Code: "AccessDeniedException", Times: -1})
	h := live(t, t.TempDir(), c, newCamera(t), settings(func(s *config.Camera) { s.Upload.Mode = config.VideoContinuous }), nil)
	eventually(t, "a word about it", func() bool { message, _ := h.notes.Load(door); return message != "" && message != nil })
	message, _ := h.notes.Load(door)
	require.Contains(t, message, "video is not uploaded")
	require.Equal(t, "faulty", h.keeper.Stats().Telemetry().Upload)
}

// A command records and uploads for as long as it says, or until it is told to
// stop.
func TestRecordOnCommand(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	h := live(t, t.TempDir(), c, newCamera(t), settings(nil), nil)
	h.flows(3 * time.Second)
	r, err := h.keeper.Record(time.Hour)
	require.NoError(t, err)
	require.Equal(t, door, r.Stream)
	eventually(t, "an upload", func() bool { return c.covers(r.From, r.From.Add(3*time.Second)) })
	stopped, err := h.keeper.Stop()
	require.NoError(t, err)
	require.Equal(t, r.From, stopped.From)
	require.WithinRange(t, stopped.To, r.From, time.Now())
	eventually(t, "all of it", func() bool { return c.covers(stopped.From, stopped.To) })
	_, err = h.keeper.Stop()
	require.ErrorIs(t, err, evidence.ErrRefused)
}
