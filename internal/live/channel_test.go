package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"

	"porchlight/internal/live"
)

func TestCommands(t *testing.T) {
	commands := map[string]live.Command{
		"snapshot": {Role: live.Watcher, Do: func(_ context.Context, r live.Request) (any, error) {
			var m struct {
				Width int `json:"width"`
			}
			if err := json.Unmarshal(r.Body, &m); err != nil {
				return nil, err
			}
			return map[string]any{"for": r.Client, "width": m.Width}, nil
		}},
		"ptz": {Role: live.Member, Do: func(context.Context, live.Request) (any, error) { return nil, nil }},
		"talk": {Role: live.Watcher, Do: func(context.Context, live.Request) (any, error) {
			return nil, &live.Fault{Code: "engaged", Text: "somebody else is speaking"}
		}},
		"siren": {Role: live.Watcher, Do: func(context.Context, live.Request) (any, error) {
			return nil, errors.New("password secret was wrong")
		}},
		"huge": {Role: live.Watcher, Do: func(context.Context, live.Request) (any, error) {
			return strings.Repeat("x", 100_000), nil
		}},
	}
	_, w := show(t, live.Config{Main: play(t, small(t)).ring, Commands: commands, Authorize: func(client string) live.Role {
		if client == "owner" {
			return live.Member
		}
		return live.Watcher
	}})
	owner, guest := newWatcher(t, w, "owner", nil), newWatcher(t, w, "guest", nil)
	owner.watch()
	guest.watch()
	ok := func(to, more string) string {
		return fmt.Sprintf(`{"v":1,"type":"reply","to":%q,"ok":true%s}`, to, more)
	}
	for _, c := range []struct {
		by        *watcher
		ask, want string // want is the whole reply, or a part of it
	}{
		{guest, `{"v":1,"type":"ping"}`, ok("ping", "")},
		{guest, `{"v":1,"type":"ping","id":"7","more":[1]}`, ok("ping", `,"id":"7"`)},
		{guest, `{"v":1,"type":"snapshot","width":320}`, ok("snapshot", `,"result":{"for":"guest","width":320}`)},
		{owner, `{"v":1,"type":"ptz"}`, ok("ptz", "")},
		{guest, `{"v":1,"type":"ptz","id":"8"}`, `"id":"8","ok":false,"error":{"code":"forbidden"`},
		{guest, `{"v":1,"type":"talk"}`, `"error":{"code":"engaged","text":"somebody else is speaking"}`},
		{guest, `{"v":1,"type":"siren"}`, `"error":{"code":"failed","text":"it did not work"}`},
		{guest, `{"v":1,"type":"huge"}`, `"error":{"code":"failed","text":"the reply cannot be sent"}`},
		{guest, `{"v":1,"type":"fly"}`, `"error":{"code":"unknown_type","text":"this camera knows huge, ping, ptz, quality, siren, snapshot, talk"}`},
		{guest, `{"v":2,"type":"ping"}`, `"error":{"code":"version"`},
		{guest, `{"type":"ping"}`, `"error":{"code":"version"`},
		{guest, `{"v":1}`, `"error":{"code":"bad_request"`},
		{guest, `{"v":1,"type":"quality"}`, `"error":{"code":"bad_request"`},
		{guest, `{"v":1,"type":"quality","quality":"best"}`, `"error":{"code":"bad_request"`},
		{guest, `{"v":1,"type":"quality","quality":"sub"}`, `"text":"this camera has one stream only"`},
		{owner, `ping`, `"error":{"code":"bad_request"`},
		{owner, `[]`, `"error":{"code":"bad_request"`},
		{owner, `{"v":1,"type":"ping","id":"` + strings.Repeat("x", 65) + `"}`, `"error":{"code":"bad_request"`},
		{owner, strings.Repeat("x", 5000), `"text":"the message has 5000 bytes`},
		{owner, ``, `"error":{"code":"bad_request"`},
	} {
		c.by.ask(c.ask)
		got := c.by.replied()
		if strings.HasPrefix(c.want, "{") {
			require.JSONEq(t, c.want, got, c.ask)
		} else {
			require.Contains(t, got, c.want, c.ask)
			require.Contains(t, got, `"ok":false`, c.ask)
		}
	}
}

// TestCommandFlood: what comes too fast is said to, then ignored, and the
// picture goes on.
func TestCommandFlood(t *testing.T) {
	t.Parallel()
	film := small(t)
	_, w := show(t, live.Config{Main: play(t, film).ring})
	v := newWatcher(t, w, "ann", nil)
	v.watch()
	for range 500 {
		v.ask(`{"v":1,"type":"ping"}`)
	}
	require.Contains(t, v.told(`"code":"rate"`), "messages a second are answered")
	require.Contains(t, v.told(`far too many`), `"code":"rate"`)
	v.sees(v.got() + 60)
	decodable(t, v, film)
}

func TestManyChannels(t *testing.T) {
	_, w := show(t, live.Config{Main: play(t, small(t)).ring})
	v := newWatcher(t, w, "ann", nil)
	v.watch()
	v.ask(`{"v":1,"type":"ping"}`)
	v.replied()
	closed := make(chan struct{})
	for n := range 5 {
		d, err := v.pc.CreateDataChannel(fmt.Sprint("more-", n), nil)
		require.NoError(t, err)
		if n == 4 {
			d.OnClose(func() { close(closed) })
		}
	}
	<-closed
	v.ask(`{"v":1,"type":"ping"}`)
	v.replied()
}

// TestSound: a track handed in reaches those who want sound.
func TestSound(t *testing.T) {
	tone, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}, "audio", "porch.door")
	require.NoError(t, err)
	_, w := show(t, live.Config{Main: play(t, small(t)).ring, Audio: tone})
	v := newWatcher(t, w, "ann", nil)
	_, err = v.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	require.NoError(t, err)
	a := v.watch()
	require.Contains(t, a.SDP, "PCMU/8000")
	require.NotContains(t, a.SDP, "m=audio 0 ")
	v.sees(30)
	silent := newWatcher(t, w, "bob", nil)
	silent.watch()
	silent.sees(30)
}
