package thumbnails

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

const (
	id   = "01KQWG2G1800000000000000AB"
	guid = "_1777777777000_1b671a64-40d5-491e-99b0-da01ff1f3341.jpg"
)

func TestParseKey(t *testing.T) {
	for key, want := range map[string]Subject{
		"thumbnails/porch/porch.front/" + id + ".jpg":                            {"porch", "porch.front", id},
		"thumbnails/po_r-ch/po_r-ch.f_1/" + id + ".jpg":                          {"po_r-ch", "po_r-ch.f_1", id},
		"thumbnails/porch/images_123456789012_porch.front" + guid:                {"porch", "porch.front", ""},
		"thumbnails/porch/a/b/_123456789012_porch.front" + guid:                  {"porch", "porch.front", ""},
		"thumbnails/porch/123456789012_porch.front" + guid:                       {"porch", "porch.front", ""},
		"thumbnails/porch/x_123456789012_123456789012_porch.front" + guid:        {"porch", "porch.front", ""},
		"thumbnails/porch/x_123456789012_porch.f_123456789012_x" + guid:          {"porch", "porch.f_123456789012_x", ""},
		"thumbnails/porch/x_123456789012_shed.f_123456789012_porch.front" + guid: {"porch", "porch.front", ""},
	} {
		got, err := ParseKey(key)
		require.NoError(t, err, key)
		require.Equal(t, want, got, key)
	}
	for _, key := range []string{
		"", "thumbnails/", "thumbnails/porch", "updates/camera-1.2.3", "thumbnails//porch.front/" + id + ".jpg",
		"thumbnails/porch/snapshots/porch.front/" + id + ".jpg",
		"thumbnails/shed/porch.front/" + id + ".jpg",
		"thumbnails/porch/porch.front/" + strings.ToLower(id) + ".jpg",
		"thumbnails/porch/porch.front/" + id + ".png",
		"thumbnails/porch/porch.front/" + id + ".jpg/x",
		"thumbnails/porch/porch.front/x/" + id + ".jpg",
		"thumbnails/po rch/po rch.front/" + id + ".jpg",
		"thumbnails/shed/images_123456789012_porch.front" + guid,
		"thumbnails/porch/x123456789012_porch.front" + guid,
		"thumbnails/porch/images_1234_porch.front" + guid,
		"thumbnails/porch/images_123456789012_porch.front_x_1b671a64-40d5-491e-99b0-da01ff1f3341.jpg",
		"thumbnails/porch/images_123456789012_porch.front_1.jpg",
		"images_123456789012_porch.front" + guid,
		"thumbnails/porch/" + strings.Repeat("x", 1024) + "_123456789012_porch.front" + guid,
	} {
		_, err := ParseKey(key)
		require.ErrorIs(t, err, ErrForeign, key)
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add("thumbnails/porch/porch.front/" + id + ".jpg")
	f.Add("thumbnails/porch/images_123456789012_porch.front" + guid)
	f.Fuzz(func(t *testing.T, key string) {
		s, err := ParseKey(key)
		if err != nil {
			return
		}
		thing, _, bad := event.SplitCamera(s.Camera)
		if bad != nil || thing != s.Thing || !strings.HasPrefix(key, "thumbnails/"+s.Thing+"/") {
			t.Fatalf("%q is said to be of %+v", key, s)
		}
		if s.EventID != "" && event.ValidateID(s.EventID) != nil {
			t.Fatalf("%q is said to be of event %q", key, s.EventID)
		}
	})
}

func TestEventsOf(t *testing.T) {
	other := event.NewID(time.Unix(1, 0))
	require.Equal(t, []string{id, other}, eventsOf(map[string]string{TagEvents: id + ",nonsense,," + other}))
	require.Empty(t, eventsOf(nil))
	require.Len(t, eventsOf(map[string]string{TagEvents: strings.Repeat(id+",", 100)}), maxEvents)
}
