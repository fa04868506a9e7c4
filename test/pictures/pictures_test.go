//go:build cgo

package pictures_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/store"
	"porchlight/internal/cloud/thumbnails"
	"porchlight/internal/event"
)

func happening(camera string, severity event.Severity) *event.Event {
	now := event.At(time.Now())
	return &event.Event{
		EventID: event.NewID(now.Time), Sequence: 1, State: event.Started, Camera: camera, StartedAt: now, UpdatedAt: now,
		Labels: map[string]float64{"dog": 0.5}, Severity: severity, Zones: []string{"drive"}, Faces: []event.Face{}, Score: 0.5, Model: "m",
	}
}

// labeled waits for the cloud's labels of an event.
func (w *world) labeled(owner string, e *event.Event, ok func(*store.Labeled) bool) *store.Labeled {
	w.t.Helper()
	var last *store.Labeled
	require.Eventually(w.t, func() bool {
		got, err := w.table.LabeledEvent(w.t.Context(), owner, e.EventID)
		last = got
		return err == nil && ok(got)
	}, patience, 50*time.Millisecond)
	return last
}

func attribute(m sqstypes.Message, name string) string {
	if a, ok := m.MessageAttributes[name]; ok {
		return *a.StringValue
	}
	return ""
}

// TestPictureIsLabeledAndToldOf: the picture is faster than its event, as it
// may well be, and what the device says later takes nothing away.
func TestPictureIsLabeledAndToldOf(t *testing.T) {
	w := newWorld(t, true)
	porch, shed := w.thing("porch", "alice"), w.thing("shed", "bob")
	e, theirs := happening("porch.front", event.Alert), happening("shed.door", event.Notice)
	require.NoError(t, w.put(porch, keyOf(e), scene(t)))
	require.Error(t, w.put(porch, keyOf(theirs), scene(t)), "a thing writes below its own name")
	require.NoError(t, w.put(shed, keyOf(theirs), scene(t)))
	w.says(e)
	w.says(theirs)

	got := w.labeled("alice", e, func(l *store.Labeled) bool { return l.CloudLabels != nil })
	require.Equal(t, map[string]float64{"dog": 0.5}, got.Labels, "what the device said")
	require.Len(t, got.CloudLabels, 1)
	require.InDelta(t, 0.95, got.CloudLabels["person"], 0.02)

	notices := map[string]sqstypes.Message{}
	for _, m := range w.notices(2) {
		notices[attribute(m, "owner")] = m
	}
	require.Equal(t, "alert", attribute(notices["alice"], "severity"))
	require.Equal(t, "porchlight:event", attribute(notices["alice"], "kind"))
	require.Equal(t, "detection", attribute(notices["bob"], "severity"))
	var notice struct {
		EventID     string             `json:"event_id"`
		Camera      string             `json:"camera"`
		Picture     string             `json:"picture"`
		CloudLabels map[string]float64 `json:"cloud_labels"`
	}
	require.NoError(t, json.Unmarshal([]byte(*notices["alice"].Body), &notice))
	require.Equal(t, e.EventID, notice.EventID)
	require.Equal(t, "porch.front", notice.Camera)
	require.Equal(t, keyOf(e), notice.Picture)
	require.Equal(t, got.CloudLabels, notice.CloudLabels)
	_, err := w.table.LabeledEvent(t.Context(), "bob", e.EventID)
	require.ErrorIs(t, err, store.ErrNotFound)

	e.Sequence, e.State, e.Labels = 2, event.Ended, map[string]float64{"dog": 0.75}
	e.EndedAt = &e.UpdatedAt
	w.says(e)
	ended := w.labeled("alice", e, func(l *store.Labeled) bool { return l.State == event.Ended })
	require.Equal(t, map[string]float64{"dog": 0.75}, ended.Labels)
	require.Equal(t, got.CloudLabels, ended.CloudLabels)
}

// The committed template asks nobody to look, and tells all the same.
func TestNobodyLooksUnlessAsked(t *testing.T) {
	w := newWorld(t, false)
	porch := w.thing("porch", "alice")
	e := happening("porch.front", event.Alert)
	w.says(e)
	w.labeled("alice", e, func(*store.Labeled) bool { return true })
	require.NoError(t, w.put(porch, keyOf(e), scene(t)))
	require.NotContains(t, *w.notices(1)[0].Body, "cloud_labels")
	got, err := w.table.LabeledEvent(t.Context(), "alice", e.EventID)
	require.NoError(t, err)
	require.Nil(t, got.CloudLabels)

	// Kinesis Video Streams puts its pictures with the role of the device, and
	// names their events in the metadata.
	filmed := happening("porch.front", event.Alert)
	w.says(filmed)
	key := "thumbnails/porch/images_000000000000_porch.front_1777777777000_1b671a64-40d5-491e-99b0-da01ff1f3341.jpg"
	_, err = porch.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(w.output("ThumbnailBucketName")), Key: &key, Body: bytes.NewReader(scene(t)),
		Metadata: map[string]string{thumbnails.TagEvents: filmed.EventID + "," + e.EventID},
	})
	require.NoError(t, err)
	told := *w.notices(1)[0].Body
	require.Contains(t, told, filmed.EventID)
	require.Contains(t, told, key)
}
