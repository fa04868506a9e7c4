package settings

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
)

const given = `
thing: home
state_dir: state
iot: {endpoint: "h:1", credentials_endpoint: "h:2", role_alias: a, certificate: c, private_key: k}
cloud: {thumbnail_bucket: b}
cameras: {door: {source: "rtsp://u:hunter2@door", fps: 4}, yard: {source: rtsp://yard}}
`

func read(t *testing.T, text string) map[string]any {
	t.Helper()
	tree, err := config.ReadTree([]byte(text))
	require.NoError(t, err)
	return tree
}

func changed(t *testing.T, c *Composer) *config.Config {
	t.Helper()
	select {
	case cfg := <-c.Changes():
		return cfg
	default:
		require.FailNow(t, "nothing has changed")
		return nil
	}
}

func door(settings map[string]any) map[string]any {
	return map[string]any{"cameras": map[string]any{"door": settings}}
}

func TestTheCloudSetsWhatItMay(t *testing.T) {
	var log bytes.Buffer
	file := filepath.Join(t.TempDir(), "asked.json")
	c := New(file, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, c.Give(read(t, given)))
	require.Equal(t, 4.0, changed(t, c).Cameras["door"].FPS)

	used, faults := c.Ask(door(map[string]any{"fps": "7", "privacy": true}))
	require.Empty(t, faults)
	require.Equal(t, door(map[string]any{"fps": "7", "privacy": true}), used)
	now := changed(t, c)
	require.Equal(t, 7.0, now.Cameras["door"].FPS)
	require.True(t, now.Cameras["door"].Privacy)
	require.Equal(t, "rtsp://u:hunter2@door", now.Cameras["door"].Source)

	for text, desired := range map[string]map[string]any{
		"cameras.door.fps":      door(map[string]any{"fps": "many"}),
		"set it on the device":  door(map[string]any{"source": "/etc/passwd"}),
		"unknown key":           door(map[string]any{"colour": "red"}),
		"want a section":        {"cameras": map[string]any{"door": 7}},
		"there is no such":      {"cameras": map[string]any{"shed": map[string]any{"fps": 1}}},
		"a section for each":    {"cameras": []any{}},
		"only cameras can be":   {"spool": map[string]any{"max_age": "1m"}},
		"cameras.door.zones.a.": door(map[string]any{"zones": map[string]any{"a": map[string]any{"polygon": "0,0"}}}),
	} {
		_, faults := c.Ask(desired)
		require.Len(t, faults, 1, text)
		for _, why := range faults {
			require.Contains(t, why, text)
			require.NotContains(t, why, "hunter2")
		}
	}
	c.Ask(door(map[string]any{"fps": 7, "privacy": "true"}))
	used, faults = c.Ask(door(map[string]any{"fps": -1}))
	require.Len(t, faults, 1)
	require.Equal(t, door(map[string]any{"fps": 7, "privacy": "true"}), used, "the last that could be used")

	// It holds over a restart, over what the device was given, and until it is withdrawn.
	again := New(file, slog.New(slog.DiscardHandler))
	require.NoError(t, again.Give(read(t, given)))
	require.True(t, changed(t, again).Cameras["door"].Privacy)
	_, faults = again.Ask(nil)
	require.Empty(t, faults)
	require.False(t, changed(t, again).Cameras["door"].Privacy)
	require.NotContains(t, log.String(), "hunter2")
}

func TestWhatIsGivenCannotBeUsed(t *testing.T) {
	var log bytes.Buffer
	c := New(filepath.Join(t.TempDir(), "asked.json"), slog.New(slog.NewTextHandler(&log, nil)))
	require.ErrorIs(t, c.Give(map[string]any{"nonsense": 1}), config.ErrInvalid)
	require.NoError(t, c.Give(read(t, given)))
	first := changed(t, c)
	require.NoError(t, c.Give(read(t, given)))
	require.Empty(t, c.Changes(), "nothing is new")

	tree := read(t, given)
	tree["cameras"].(map[string]any)["yard"] = map[string]any{"source": "rtsp://yard", "fps": "few"}
	tree["cameras"].(map[string]any)["shed"] = map[string]any{"source": "rtsp://shed"}
	require.NoError(t, c.Give(tree))
	second := changed(t, c)
	require.Equal(t, first.Cameras["yard"], second.Cameras["yard"])
	require.Contains(t, second.Cameras, "shed")
	require.Contains(t, log.String(), "cameras.yard.fps")
}

// What the cloud asked for may cease to fit when the device is given another
// configuration: a zone that alerts name is gone.
func TestWhatWasAskedForDoesNotFitAnyMore(t *testing.T) {
	c := New(filepath.Join(t.TempDir(), "asked.json"), slog.New(slog.DiscardHandler))
	tree := read(t, given)
	tree["cameras"].(map[string]any)["door"] = map[string]any{
		"source": "rtsp://door", "zones": map[string]any{"step": map[string]any{"polygon": "0,0; 1,0; 1,1"}},
	}
	require.NoError(t, c.Give(tree))
	_, faults := c.Ask(door(map[string]any{"alerts": map[string]any{"zones": []any{"step"}}}))
	require.Empty(t, faults)
	require.Equal(t, []string{"step"}, changed(t, c).Cameras["door"].Alerts.Zones)
	require.NoError(t, c.Give(read(t, given)))
	require.Empty(t, changed(t, c).Cameras["door"].Alerts.Zones)
}

// The last word on privacy counts, whether it was said at home or in the cloud.
func TestPrivacyFromHome(t *testing.T) {
	file := filepath.Join(t.TempDir(), "asked.json")
	c := New(file, slog.New(slog.DiscardHandler))
	require.NoError(t, c.Give(read(t, given)))
	changed(t, c)
	c.Ask(door(map[string]any{"privacy": false, "fps": 3}))
	changed(t, c)
	require.NoError(t, c.SetPrivacy("door", true))
	require.True(t, changed(t, c).Cameras["door"].Privacy)
	used, _ := c.Ask(door(map[string]any{"privacy": false, "fps": 6}))
	require.Equal(t, door(map[string]any{"privacy": true, "fps": 6}), used, "the cloud has said nothing new of it")
	require.True(t, changed(t, c).Cameras["door"].Privacy)

	again := New(file, slog.New(slog.DiscardHandler))
	require.NoError(t, again.Give(read(t, given)))
	require.True(t, changed(t, again).Cameras["door"].Privacy)
	again.Ask(door(map[string]any{"privacy": true}))
	again.Ask(door(map[string]any{"privacy": false}))
	require.False(t, changed(t, again).Cameras["door"].Privacy)
	require.ErrorContains(t, again.SetPrivacy("shed", true), "door, yard")
}

func TestADamagedMemoryIsNoHindrance(t *testing.T) {
	file := filepath.Join(t.TempDir(), "asked.json")
	require.NoError(t, os.WriteFile(file, []byte("{"), 0o600))
	c := New(file, slog.New(slog.DiscardHandler))
	require.NoError(t, c.Give(read(t, given)))
	require.Equal(t, 4.0, changed(t, c).Cameras["door"].FPS)
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "porchlight.yaml")
	require.NoError(t, os.WriteFile(path, []byte("a: 1"), 0o600))
	reload, got := make(chan struct{}, 1), make(chan map[string]any, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	f := File{Path: path, Log: slog.New(slog.DiscardHandler), Reload: reload}
	go func() {
		defer close(done)
		require.NoError(t, f.Watch(ctx, func(tree map[string]any) error { got <- tree; return nil }))
	}()
	next := func() map[string]any {
		select {
		case tree := <-got:
			return tree
		case <-time.After(time.Minute):
			require.FailNow(t, "the file was not read")
			return nil
		}
	}
	require.EqualValues(t, map[string]any{"a": uint64(1)}, next())
	require.NoError(t, os.WriteFile(path, []byte("a: [1"), 0o600))
	reload <- struct{}{}
	require.NoError(t, os.WriteFile(path, []byte("a: 1\nb: two"), 0o600))
	for next()["b"] != "two" {
	}
	cancel()
	<-done
	require.ErrorIs(t, f.Watch(t.Context(), func(map[string]any) error { return config.ErrInvalid }), config.ErrInvalid)
	require.ErrorIs(t, File{Path: path + "x"}.Watch(t.Context(), nil), os.ErrNotExist)
}
