package thumbnails

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

func TestPictureOfAnAlert(t *testing.T) {
	h := newHome(t)
	e := h.happens("alice", "porch.front", event.Alert)
	h.labels = map[string]float64{"person": 0.5, "dog": 0.25}
	require.Empty(t, h.handle(put("1", keyOf(e), "a")))
	got := h.stored("alice", e)
	require.Equal(t, h.labels, got.CloudLabels)
	require.Equal(t, *e, got.Event, "nothing that the device said is touched")
	require.Equal(t, []Notice{{
		Owner: "alice", Severity: event.Alert, EventID: e.EventID, Camera: "porch.front", State: "started", StartedAt: e.StartedAt,
		Labels: e.Labels, CloudLabels: h.labels, Zones: e.Zones, Picture: keyOf(e),
	}}, h.notices)
	text, err := h.notices[0].text()
	require.NoError(t, err)
	require.NotContains(t, text, "alice", "whose it is, only the attributes say")

	require.Empty(t, h.handle(put("1", keyOf(e), "a"), put("2", keyOf(e), "a")), "the same again")
	require.Len(t, h.looked, 1)
	require.Len(t, h.notices, 1)
	require.NotContains(t, h.log.String(), "alice")
}

func TestEachCameraIsLookedAtNowAndThen(t *testing.T) {
	h := newHome(t)
	first, second, other := h.happens("alice", "porch.front", event.Alert), h.happens("alice", "porch.front", event.Alert), h.happens("alice", "porch.back", event.Alert)
	require.Empty(t, h.handle(put("1", keyOf(first), "a"), put("2", keyOf(second), "b"), put("3", keyOf(other), "c"), put("4", keyOf(first), "d")))
	require.Equal(t, []string{keyOf(first), keyOf(other)}, h.looked)
	require.Len(t, h.notices, 3, "of what nobody looked at, too")
	require.Nil(t, h.stored("alice", second).CloudLabels)

	h.now = h.now.Add(time.Minute)
	h.labels = map[string]float64{"person": 0.25, "cat": 0.5}
	require.Empty(t, h.handle(put("5", keyOf(first), "d")))
	require.Equal(t, map[string]float64{"person": 0.5, "cat": 0.5}, h.stored("alice", first).CloudLabels, "the best of each")
	require.Len(t, h.notices, 3)
}

func TestOnlyAlertsAreLookedAtAndOnlyWhenAsked(t *testing.T) {
	h := newHome(t)
	quiet := h.happens("alice", "porch.front", event.Notice)
	old := h.happens("alice", "porch.front", "")
	require.Empty(t, h.handle(put("1", keyOf(quiet), "a"), put("2", keyOf(old), "a")))
	require.Empty(t, h.looked)
	require.Len(t, h.notices, 2)

	quiet.Sequence, quiet.Severity = 2, event.Alert
	h.upsert("alice", quiet)
	require.Empty(t, h.handle(put("3", keyOf(quiet), "b")))
	require.Len(t, h.looked, 1)
	require.Len(t, h.notices, 3, "it has risen, which is worth another word")
	require.Equal(t, event.Alert, h.notices[2].Severity)

	h = newHome(t)
	h.cfg.Look = nil
	e := h.happens("alice", "porch.front", event.Alert)
	require.Empty(t, h.handle(put("1", keyOf(e), "a")))
	require.Len(t, h.notices, 1)
	require.Empty(t, h.stored("alice", e).CloudLabels)
}

func TestPictureBeforeItsEvent(t *testing.T) {
	h := newHome(t)
	e := h.happens("bob", "shed.door", event.Alert)
	e.Camera = "porch.front" // whose it is, the key says
	for received := range 12 {
		m := put("1", keyOf(e), "a")
		m.Attributes["ApproximateReceiveCount"] = fmt.Sprint(received + 1)
		require.Equal(t, []string{"1"}, h.handle(m))
	}
	require.Empty(t, h.looked)
	require.Empty(t, h.notices)
	require.GreaterOrEqual(t, h.delays[0], 2*time.Second)
	for i, d := range h.delays {
		require.LessOrEqual(t, d, 150*time.Second)
		if i > 0 {
			require.Greater(t, d, h.delays[i-1]-30*time.Second)
		}
	}
	h.upsert("alice", e)
	require.Empty(t, h.handle(put("1", keyOf(e), "a")))
	require.Len(t, h.notices, 1)
}

// The thing in the key alone decides; the same event's id is another's event.
func TestOwnersAreApart(t *testing.T) {
	h := newHome(t)
	theirs := h.happens("bob", "shed.door", event.Alert)
	for name, key := range map[string]string{
		"their event below my name": "thumbnails/porch/porch.front/" + theirs.EventID + ".jpg",
	} {
		require.Equal(t, []string{name}, h.handle(put(name, key, "a")))
	}
	require.Empty(t, h.handle(put("1", "thumbnails/porch/shed.door/"+theirs.EventID+".jpg", "a")), "no such key")
	h.metadata = map[string]string{TagEvents: theirs.EventID}
	require.Empty(t, h.handle(put("2", "thumbnails/porch/x_000000000000_shed.door"+guid, "a")))
	require.Equal(t, []string{"3"}, h.handle(put("3", "thumbnails/porch/x_000000000000_porch.front"+guid, "a")))
	require.Empty(t, h.looked)
	require.Empty(t, h.notices)
	require.Nil(t, h.stored("bob", theirs).CloudLabels)

	mine := *theirs
	mine.Camera = "porch.front"
	h.upsert("alice", &mine)
	require.Empty(t, h.handle(put("4", keyOf(&mine), "a"), put("5", keyOf(theirs), "a")))
	require.Len(t, h.notices, 2)
	require.Equal(t, "alice", h.notices[0].Owner)
	require.Equal(t, "bob", h.notices[1].Owner)

	require.Empty(t, h.handle(put("6", "thumbnails/porch/porch.back/"+mine.EventID+".jpg", "b")), "another camera of mine")
	require.Len(t, h.looked, 2)
	require.Equal(t, []string{"7"}, h.handle(put("7", "thumbnails/new/new.front/"+mine.EventID+".jpg", "a")), "nobody's thing")
}

func TestPicturesThatVideoStreamsMake(t *testing.T) {
	h := newHome(t)
	one, two := h.happens("alice", "porch.front", event.Alert), h.happens("alice", "porch.front", event.Notice)
	key := "thumbnails/porch/images_000000000000_porch.front" + guid
	h.metadata = map[string]string{TagEvents: one.EventID + "," + two.EventID, "aws_kinesisvideo_producer_timestamp": "1777777777000"}
	require.Empty(t, h.handle(put("1", key, "a")))
	require.Equal(t, h.labels, h.stored("alice", one).CloudLabels)
	require.Nil(t, h.stored("alice", two).CloudLabels)
	require.Len(t, h.notices, 2)
	require.Equal(t, key, h.notices[0].Picture)

	h.metadata = map[string]string{}
	require.Empty(t, h.handle(put("2", key, "b")), "of no event")
	h.metadata = nil
	require.Empty(t, h.handle(put("3", key, "c")), "deleted")
	require.Len(t, h.notices, 2)
	h.cfg.Metadata = func(context.Context, Picture) (map[string]string, error) { return nil, errDown }
	require.Equal(t, []string{"4"}, h.handle(put("4", key, "d")))
}

func TestPoisonComesAgainAlone(t *testing.T) {
	h := newHome(t)
	e := h.happens("alice", "porch.front", event.Alert)
	require.Equal(t, []string{"bad", "elsewhere"}, h.handle(
		message("bad", "{", 1), put("snapshot", "thumbnails/porch/snapshots/porch.front/"+e.EventID+".jpg", "a"),
		message("test", `{"Service":"Amazon S3","Event":"s3:TestEvent"}`, 1), put("update", "updates/camera", "a"),
		message("elsewhere", said("ObjectCreated:Put", "others", keyOf(e), "a"), 1), put("good", keyOf(e), "a"),
	))
	require.Len(t, h.notices, 1)
	require.Contains(t, h.log.String(), `"rejected":true`)
}

func TestWhatCannotBeLookedAt(t *testing.T) {
	h := newHome(t)
	h.failing = fmt.Errorf("%w: a text", ErrPicture)
	e := h.happens("alice", "porch.front", event.Alert)
	require.Empty(t, h.handle(put("1", keyOf(e), "a")))
	require.Len(t, h.notices, 1, "it happened all the same")
	require.Nil(t, h.stored("alice", e).CloudLabels)

	h = newHome(t)
	e = h.happens("alice", "porch.front", event.Alert)
	huge := put("1", keyOf(e), "a")
	huge.Body = `{"Records":[{"eventName":"ObjectCreated:Put","eventTime":"2026-05-04T03:02:01.000Z","s3":{"bucket":{"name":"thumbs"},"object":{"key":"` + keyOf(e) + `","size":5242881,"eTag":"a"}}}]}`
	require.Empty(t, h.handle(huge))
	require.Empty(t, h.looked)
	require.Len(t, h.notices, 1)
}

// Labels are tried for, and whoever is to be told does not wait for them long.
func TestNoticeDoesNotWaitForLabelsForever(t *testing.T) {
	h := newHome(t)
	h.failing = errDown
	e := h.happens("alice", "porch.front", event.Alert)
	for received := 1; received <= 3; received++ {
		require.Empty(t, h.notices)
		m := put("1", keyOf(e), "a")
		m.Attributes["ApproximateReceiveCount"] = fmt.Sprint(received)
		require.Equal(t, received < 3, h.handle(m) != nil)
	}
	require.Len(t, h.looked, 3, "it stays its turn")
	require.Len(t, h.notices, 1)
}

func TestNoticeIsSentOnceWhateverFails(t *testing.T) {
	h := newHome(t)
	e := h.happens("alice", "porch.front", event.Alert)
	h.cfg.Notify = func(context.Context, Notice) error { return errDown }
	require.Equal(t, []string{"1"}, h.handle(put("1", keyOf(e), "a")))
	require.Equal(t, []string{"2"}, h.handle(put("2", keyOf(e), "a")), "another is at it, as far as anybody can tell")
	h.cfg.Notify = h.notify
	require.Empty(t, h.handle(put("1", keyOf(e), "a")))
	require.Empty(t, h.handle(put("2", keyOf(e), "a")))
	require.Len(t, h.notices, 1)
	require.Len(t, h.looked, 1)
	require.Equal(t, h.labels, h.notices[0].CloudLabels)
}
