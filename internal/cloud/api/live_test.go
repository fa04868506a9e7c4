package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/live"
	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
)

const viewRoute = "POST /v1/cameras/{camera}/live"

func (f *films) View(_ context.Context, camera string) (live.Session, error) {
	return live.Session{
		Channel: camera, ClientID: "made-up", URL: "wss://v-1/?X-Amz-Signature=abc", Expires: t0.Add(299 * time.Second),
		ICE: []live.ICEServer{{URLs: []string{"stun:stun:443"}}, {URLs: []string{"turn:a:443?transport=udp", "turns:a:443"}, Username: "u", Credential: "relay-secret"}},
	}, f.ask("view %s", camera)
}

func TestALiveView(t *testing.T) {
	w := newWorld(t)
	res := w.get(t, "alice", viewRoute, "porch.front", nil)
	require.Equal(t, 200, res.StatusCode, res.Body)
	require.Equal(t, []string{"view porch.front"}, w.video.asked)
	require.JSONEq(t, `{"channel":"porch.front","client_id":"made-up","url":"wss://v-1/?X-Amz-Signature=abc","expires_at":"2026-05-04T03:07:00.000Z",
		"ice_servers":[{"urls":["stun:stun:443"]},{"urls":["turn:a:443?transport=udp","turns:a:443"],"username":"u","credential":"relay-secret"}]}`, res.Body)

	require.Contains(t, w.log.String(), `msg="live view" request_id=req-1 owner=alice camera=porch.front client_id=made-up`)
	for _, secret := range []string{"Signature", "relay-secret", "wss:"} {
		require.NotContains(t, w.log.String(), secret)
	}
	p := problem(t, w.get(t, "alice", viewRoute, "porch.front", map[string]string{"client_id": "mine"}), 400)
	require.Contains(t, p.Detail, "Parameter client_id")
	require.Len(t, w.video.asked, 1)
}

func (o one) Camera(_ context.Context, _, camera string) (*store.Camera, error) {
	for _, c := range o.cameras {
		if c.Camera == camera {
			return c, nil
		}
	}
	return nil, store.ErrNotFound
}

func TestWhyACameraIsNotSeenLive(t *testing.T) {
	for name, c := range map[string]struct {
		camera store.Camera
		says   string
		again  bool
	}{
		"offline":          {store.Camera{State: event.CameraRunning}, "not connected", false},
		"private":          {store.Camera{Online: true, State: event.CameraPrivate}, "privacy mode", false},
		"offline, private": {store.Camera{State: event.CameraPrivate}, "not connected", false},
		"connecting":       {store.Camera{Online: true, State: event.CameraConnecting}, "try again", true},
		"ended":            {store.Camera{Online: true, State: event.CameraEnded}, "has ended", false},
		"failed":           {store.Camera{Online: true, State: event.CameraFailed, Message: "wrong password: set another"}, "wrong password: set another", true},
		"failed, unsaid":   {store.Camera{Online: true, State: event.CameraFailed}, "power", true},
	} {
		t.Run(name, func(t *testing.T) {
			f := &films{}
			c.camera.Camera = "porch.front"
			w := &world{api: New(Config{Store: one{cameras: []*store.Camera{&c.camera}}, Live: f, Log: slog.New(slog.DiscardHandler)})}
			res := w.get(t, "alice", viewRoute, "porch.front", nil)
			p := problem(t, res, 404)
			require.Equal(t, noLive, p.Type)
			require.Contains(t, p.Detail, c.says)
			require.Equal(t, c.again, res.Headers["retry-after"] != "")
			require.Empty(t, f.asked)
			require.Empty(t, problem(t, w.get(t, "alice", viewRoute, "porch.none", nil), 404).Type, "a camera that is not there is another matter")
		})
	}
}

func TestWhatLiveErrorsTell(t *testing.T) {
	w := newWorld(t)
	secret := errors.New("dial tcp secret-host")
	for _, c := range []struct {
		err        error
		status     int
		kind, says string
		again      bool
	}{
		{fmt.Errorf("%w: %w", live.ErrNoChannel, secret), 404, noLive, "live view is on", false},
		{fmt.Errorf("%w: %w", live.ErrBusy, secret), 503, "", "try again", true},
		{secret, 500, "", "req-1", false},
	} {
		w.video.err = c.err
		res := w.get(t, "alice", viewRoute, "porch.front", nil)
		p := problem(t, res, c.status)
		require.Equal(t, c.kind, p.Type)
		require.Contains(t, p.Detail, c.says)
		require.NotContains(t, res.Body, "secret-host")
		require.Equal(t, c.again, res.Headers["retry-after"] != "")
	}
	require.NotContains(t, w.log.String(), `"live view"`)
	require.Contains(t, w.log.String(), "secret-host")
}
