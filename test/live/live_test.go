package live

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/live/livetest"
)

func off() map[string]any { return map[string]any{"mode": "off"} }

// camera is the section of one of which nothing is kept.
func camera(url string, more map[string]any) map[string]any {
	all := map[string]any{"source": url, "fps": 5, "record": off(), "upload": off()}
	for k, v := range more {
		all[k] = v
	}
	return all
}

// Two cameras are watched at once; commands; privacy; what changes at one
// camera does not touch the other; a camera that may not be watched has no channel.
func TestLiveView(t *testing.T) {
	t.Parallel()
	c, door, yard := newCloud(t), newCamera(t, "320x180"), newCamera(t, "160x90")
	d := newDevice(t, c, map[string]any{
		"door": camera(door.URL(), map[string]any{"live": map[string]any{"viewers": 1}}),
		"yard": camera(yard.URL(), map[string]any{"record": map[string]any{"mode": "events"}}),
		"shed": camera(yard.URL(), map[string]any{"live": map[string]any{"enabled": false}}),
		"room": camera(yard.URL(), map[string]any{"privacy": true}),
	})
	for _, name := range []string{"door", "yard"} {
		c.master("home."+name, true)
		d.is("home."+name, event.CameraRunning)
	}
	first, second := c.watch("home.door", nil).sees(20), c.watch("home.yard", nil).sees(20)
	for _, w := range []*watcher{first, second} {
		require.NotZero(t, w.Phases().Picture)
		require.GreaterOrEqual(t, len(decode(t, w.Video())), 15, "they can be decoded")
	}
	d.is("home.shed", event.CameraRunning)
	for _, name := range []string{"home.shed", "home.room"} {
		require.NotContains(t, c.channels(), name)
	}

	third := c.watch("home.door", nil)
	eventually(t, "a refusal", func() bool { return strings.HasPrefix(third.Refusal(), "full ") })

	require.Contains(t, second.asks(`{"v":1,"type":"ping","id":"1"}`), `"ok":true`)
	require.Contains(t, second.asks(`{"v":1,"type":"quality","quality":"auto"}`), `"ok":true`)
	for _, name := range []string{"talk", "ptz", "siren"} {
		require.Contains(t, second.asks(fmt.Sprintf(`{"v":1,"type":%q}`, name)), `"code":"unsupported"`)
	}
	require.Contains(t, second.asks(`{"v":1,"type":"dance"}`), "this camera knows ping, ptz, quality, siren, snapshot, talk")
	reply := second.asks(`{"v":1,"type":"snapshot","id":"2"}`)
	require.Contains(t, reply, `"key":"thumbnails/home/snapshots/home.yard/`)
	_, key, _ := strings.Cut(reply, `"key":"`)
	key, _, _ = strings.Cut(key, `"`)
	_, stored := c.pictures.Load("/pictures/" + key)
	require.True(t, stored, key)

	d.change("door", "privacy", true)
	eventually(t, "who watches is sent away", func() bool { return strings.Contains(d.log.String(), "code=private") })
	d.is("home.door", event.CameraPrivate)
	c.master("home.door", false)
	second.sees(10)
	d.change("door", "privacy", false)
	c.master("home.door", true)
	c.watch("home.door", nil).sees(10)
	second.sees(10)
	require.Empty(t, second.Refusal())
	d.end()
	require.NotContains(t, d.log.String(), "panic")
}

// Connections to the service break; who watches notices nothing, and others
// come. The cloud may also be away when the device starts.
func TestSignalingBreaks(t *testing.T) {
	t.Parallel()
	c, door := newCloud(t), newCamera(t, "160x90")
	c.broken.Store(true)
	d := newDevice(t, c, map[string]any{"door": camera(door.URL(), nil)})
	d.is("home.door", event.CameraRunning)
	c.broken.Store(false)
	c.master("home.door", true)
	steady := c.watch("home.door", nil).sees(5)
	for range 3 {
		require.Positive(t, c.signaling.Cut("home.door"))
		steady.sees(5)
		c.master("home.door", true)
		c.watch("home.door", nil).sees(5)
	}
	steady.sees(5)
	require.LessOrEqual(t, strings.Count(d.log.String(), "no signaling: viewers cannot connect"), 4, "once a break")
}

// Through the relay alone.
func TestLiveViewThroughTheRelay(t *testing.T) {
	t.Parallel()
	c, door := newCloud(t), newCamera(t, "160x90")
	newDevice(t, c, map[string]any{"door": camera(door.URL(), nil)})
	c.master("home.door", true)
	c.watch("home.door", func(cfg *livetest.Config) { cfg.RelayOnly = true }).sees(20)
}

// Of a camera with two streams the small one is shown first, and the main one
// to who wants it.
func TestTwoStreams(t *testing.T) {
	t.Parallel()
	c, small, large := newCloud(t), newCamera(t, "160x90"), newCamera(t, "640x360")
	newDevice(t, c, map[string]any{"door": camera(small.URL(), map[string]any{
		"record": map[string]any{"mode": "off", "source": large.URL()},
	})})
	c.master("home.door", true)
	w := c.watch("home.door", nil).sees(5)
	require.Contains(t, w.asks(`{"v":1,"type":"quality","quality":"sub"}`), `"ok":true`)
	w.sees(10)
	require.Contains(t, w.asks(`{"v":1,"type":"quality","quality":"main"}`), `"ok":true`)
	w.told(`"quality":"main"`)
	w.sees(10)
}

// What is covered for privacy is covered for those who watch live.
func TestMasksCoverLiveView(t *testing.T) {
	t.Parallel()
	c, small, large := newCloud(t), newCamera(t, "320x180"), newCamera(t, "640x360")
	masked := map[string]any{"privacy_masks": []any{"0,0; 0.5,0; 0.5,1; 0,1"}}
	both := map[string]any{"privacy_masks": masked["privacy_masks"], "record": map[string]any{"mode": "off", "source": large.URL()}}
	newDevice(t, c, map[string]any{"door": camera(small.URL(), masked), "yard": camera(small.URL(), both)})
	for _, name := range []string{"home.door", "home.yard"} {
		c.master(name, true)
		w := c.watch(name, nil).sees(30)
		pictures := decode(t, w.Video())
		require.NotEmpty(t, pictures)
		for _, p := range pictures {
			for y := range 9 {
				for x := range 7 {
					require.InDelta(t, p[0], p[16*y+x], 6, "%s shows what is covered", name)
				}
			}
			require.Less(t, p[0], byte(80), "dark gray")
		}
	}
}
