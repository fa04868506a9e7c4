package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/playback"
	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
)

const (
	playEventRoute  = "GET /v1/events/{event_id}/playback"
	eventClipRoute  = "GET /v1/events/{event_id}/clip"
	recordingsRoute = "GET /v1/cameras/{camera}/recordings"
	playCameraRoute = "GET /v1/cameras/{camera}/playback"
	cameraClipRoute = "GET /v1/cameras/{camera}/clip"
)

// films is video of everything, and what was asked of it.
type films struct {
	asked []string
	err   error
	more  time.Time
}

func (f *films) ask(format string, a ...any) error {
	f.asked = append(f.asked, fmt.Sprintf(format, a...))
	return f.err
}

func text(r playback.Range) string { return event.At(r.From).String() + " " + event.At(r.To).String() }

func (f *films) Live(_ context.Context, camera string, protocol playback.Protocol) (playback.Session, error) {
	return playback.Session{Protocol: protocol, URL: "https://video/live", Expires: t0}, f.ask("live %s %s", camera, protocol)
}

func (f *films) Replay(_ context.Context, camera string, protocol playback.Protocol, from time.Time) (playback.Session, error) {
	return playback.Session{Protocol: protocol, URL: "https://video/replay", Expires: t0, From: from}, f.ask("replay %s %s %s", camera, protocol, event.At(from))
}

func (f *films) Play(_ context.Context, camera string, protocol playback.Protocol, r playback.Range) (playback.Session, error) {
	return playback.Session{Protocol: protocol, URL: "https://video/play", Expires: t0, From: r.From, To: r.To}, f.ask("play %s %s %s", camera, protocol, text(r))
}

func (f *films) Recordings(_ context.Context, camera string, r playback.Range) ([]playback.Range, time.Time, error) {
	err := f.ask("recordings %s %s", camera, text(r))
	return []playback.Range{{From: r.From, To: r.From.Add(time.Minute)}}, f.more, err
}

func (f *films) Clip(_ context.Context, owner, camera string, r playback.Range) (playback.Clip, error) {
	return playback.Clip{Key: "clips/x/" + camera + "/a.mp4", Bytes: 1234, From: r.From, To: r.To}, f.ask("clip %s %s %s", owner, camera, text(r))
}

// someTime is ten minutes of it.
func someTime() map[string]string {
	return map[string]string{"from": "2026-05-04T03:02:01Z", "to": "2026-05-04T03:12:01.5Z"}
}

func and(query map[string]string, name, value string) map[string]string {
	query[name] = value
	return query
}

func TestVideoOfACamera(t *testing.T) {
	w := newWorld(t)
	const span = "2026-05-04T03:02:01.000Z 2026-05-04T03:12:01.500Z"
	for _, c := range []struct {
		route string
		query map[string]string
		asked string
		body  string
	}{
		{playCameraRoute, nil, "live porch.front hls", `{"protocol":"hls","url":"https://video/live","expires_at":"2026-05-04T03:02:01.000Z"}`},
		{playCameraRoute, map[string]string{"protocol": "dash"}, "live porch.front dash", ""},
		{playCameraRoute, someTime(), "play porch.front hls " + span, `{"protocol":"hls","url":"https://video/play","expires_at":"2026-05-04T03:02:01.000Z",
			"from":"2026-05-04T03:02:01.000Z","to":"2026-05-04T03:12:01.500Z"}`},
		{playCameraRoute, and(someTime(), "protocol", "dash"), "play porch.front dash " + span, ""},
		{recordingsRoute, someTime(), "recordings porch.front " + span,
			`{"camera":"porch.front","ranges":[{"from":"2026-05-04T03:02:01.000Z","to":"2026-05-04T03:03:01.000Z"}]}`},
		{cameraClipRoute, someTime(), "clip alice porch.front " + span, ""},
	} {
		w.video.asked = nil
		res := w.get(t, "alice", c.route, "porch.front", c.query)
		require.Equal(t, 200, res.StatusCode, res.Body)
		require.Equal(t, []string{c.asked}, w.video.asked)
		if c.body != "" {
			require.JSONEq(t, c.body, res.Body)
		}
	}
	w.video.more = t0.Add(time.Minute)
	require.Contains(t, w.get(t, "alice", recordingsRoute, "porch.front", someTime()).Body, `"more_from":"2026-05-04T03:03:01.000Z"`)
}

func TestClipIsSigned(t *testing.T) {
	w := newWorld(t)
	var got ClipFile
	require.NoError(t, json.Unmarshal([]byte(w.get(t, "alice", cameraClipRoute, "porch.front", someTime()).Body), &got))
	signed, err := url.Parse(got.Url)
	require.NoError(t, err)
	require.Equal(t, "/thumbs/clips/x/porch.front/a.mp4", signed.Path)
	require.NotEmpty(t, signed.Query().Get("X-Amz-Signature"))
	require.EqualValues(t, 1234, got.Bytes)
	require.Equal(t, t0.Add(time.Hour+presignTTL), got.ExpiresAt.Time)
}

func TestVideoOfAnEvent(t *testing.T) {
	ended, clip := event.At(t0.Add(20*time.Second)), &event.Clip{Stream: "shed.front", From: event.At(t0.Add(-8 * time.Second)), To: event.At(t0.Add(26 * time.Second))}
	for name, c := range map[string]struct {
		state   event.State
		ended   *event.Time
		clip    *event.Clip
		updated time.Duration // before now
		want    string
	}{
		"ended":                  {event.Ended, &ended, nil, time.Hour, "play porch.front hls 2026-05-04T03:01:56.000Z 2026-05-04T03:02:26.000Z"},
		"ended, with its clip":   {event.Ended, &ended, clip, time.Hour, "play porch.front hls 2026-05-04T03:01:53.000Z 2026-05-04T03:02:27.000Z"},
		"goes on":                {event.Updated, nil, nil, time.Minute, "replay porch.front hls 2026-05-04T03:01:56.000Z"},
		"goes on, with a clip":   {event.Started, nil, clip, time.Minute, "replay porch.front hls 2026-05-04T03:01:53.000Z"},
		"its end was never told": {event.Updated, nil, nil, 59 * time.Minute, "play porch.front hls 2026-05-04T03:01:56.000Z 2026-05-04T03:03:06.000Z"},
	} {
		t.Run(name, func(t *testing.T) {
			now := t0.Add(time.Hour)
			e := &event.Event{Camera: "porch.front", State: c.state, StartedAt: event.At(t0), UpdatedAt: event.At(now.Add(-c.updated)), EndedAt: c.ended, Clip: c.clip}
			f := &films{}
			w := &world{api: New(Config{
				Store: one{e: e, owner: "alice"}, Video: f, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
				Presign: func(context.Context, string) (string, error) { return "https://bucket/clip", nil },
			})}
			res := w.get(t, "alice", playEventRoute, "x", nil)
			require.Equal(t, 200, res.StatusCode, res.Body)
			require.Equal(t, []string{c.want}, f.asked, "the stream is the camera's, whatever the device says")
			require.Equal(t, 200, w.get(t, "alice", eventClipRoute, "x", nil).StatusCode)
			require.True(t, strings.HasPrefix(f.asked[1], "clip alice porch.front "), f.asked[1])
		})
	}
}

// What a thing that has changed hands sends is its new owner's.
func TestVideoOfAThingThatChangedHands(t *testing.T) {
	e := &event.Event{Camera: "porch.front", State: event.Ended, StartedAt: event.At(t0), UpdatedAt: event.At(t0)}
	for _, owner := range []string{"bob", ""} {
		f := &films{}
		w := &world{api: New(Config{Store: one{e: e, owner: owner}, Video: f, Log: slog.New(slog.DiscardHandler)})}
		for _, route := range []string{playEventRoute, eventClipRoute} {
			require.Equal(t, "no-video", problem(t, w.get(t, "alice", route, "x", nil), 404).Type)
		}
		for _, route := range []string{playCameraRoute, recordingsRoute, cameraClipRoute} {
			require.Equal(t, noCamera, problem(t, w.get(t, "alice", route, "porch.front", someTime()), 404).Detail)
		}
		require.Empty(t, f.asked)
	}
}

func (o one) HasCamera(context.Context, string, string) (bool, error) { return true, nil }

func (o one) OwnerOf(context.Context, string) (string, error) {
	if o.owner == "" {
		return "", store.ErrUnclaimed
	}
	return o.owner, nil
}

func TestBadVideoParametersAreNamed(t *testing.T) {
	w := newWorld(t)
	good := someTime()
	for _, c := range []struct {
		route, name string
		query       map[string]string
	}{
		{playCameraRoute, "protocol", map[string]string{"protocol": "rtsp"}},
		{playCameraRoute, "protocol", map[string]string{"protocol": ""}},
		{playEventRoute, "protocol", map[string]string{"protocol": "HLS"}},
		{playEventRoute, "from", someTime()},
		{eventClipRoute, "protocol", map[string]string{"protocol": "hls"}},
		{playCameraRoute, "to", map[string]string{"from": good["from"]}},
		{playCameraRoute, "from", map[string]string{"to": good["to"]}},
		{recordingsRoute, "from", nil},
		{recordingsRoute, "protocol", and(someTime(), "protocol", "hls")},
		{recordingsRoute, "to", map[string]string{"from": good["to"], "to": good["from"]}},
		{recordingsRoute, "to", map[string]string{"from": good["to"], "to": good["to"]}},
		{recordingsRoute, "to", map[string]string{"from": "2026-05-04T03:02:01Z", "to": "2026-05-05T03:02:01.001Z"}},
		{playCameraRoute, "to", map[string]string{"from": "0001-01-01T00:00:01Z", "to": "9999-05-05T03:02:01.001Z"}},
		{cameraClipRoute, "to", map[string]string{"from": "2026-05-04T03:02:01Z", "to": "2026-05-04T04:02:01.001Z"}},
		{cameraClipRoute, "from", map[string]string{"from": "now", "to": good["to"]}},
		{cameraClipRoute, "owner", and(someTime(), "owner", "bob")},
		{cameraClipRoute, "to", and(someTime(), "to", "\xff")},
	} {
		id := "porch.front"
		if strings.Contains(c.route, "{event_id}") {
			id = w.events["alice"][0].EventID
		}
		p := problem(t, w.get(t, "alice", c.route, id, c.query), 400)
		require.Contains(t, p.Detail, "Parameter "+c.name, c.query)
	}
	require.Empty(t, w.video.asked)
	whole := map[string]string{"from": "2026-05-04T03:02:01Z", "to": "2026-05-05T03:02:01Z"}
	require.Equal(t, 200, w.get(t, "alice", recordingsRoute, "porch.front", whole).StatusCode)
	require.Equal(t, 200, w.get(t, "alice", cameraClipRoute, "porch.front", map[string]string{"from": whole["from"], "to": "2026-05-04T04:02:01Z"}).StatusCode)
}

func TestWhatVideoErrorsTell(t *testing.T) {
	w := newWorld(t)
	secret := errors.New("dial tcp secret-host")
	for _, c := range []struct {
		err        error
		status     int
		kind, says string
		again      bool
	}{
		{fmt.Errorf("%w: %w: %w", playback.ErrNotYet, playback.ErrNoVideo, secret), 404, "no-video", "yet", true},
		{fmt.Errorf("%w: %w", playback.ErrNoVideo, secret), 404, "no-video", "no longer kept", false},
		{fmt.Errorf("%w: %w", playback.ErrBusy, secret), 503, "", "try again", true},
		{fmt.Errorf("%w: %w", playback.ErrFormat, secret), 400, "", "shorter", false},
		{&playback.TooLongError{Until: t0.Add(time.Minute)}, 400, "", "2026-05-04T03:03:01.000Z", false},
		{secret, 500, "", "req-1", false},
	} {
		w.video.err = c.err
		for _, route := range []string{playCameraRoute, recordingsRoute, cameraClipRoute, playEventRoute, eventClipRoute} {
			id := "porch.front"
			query := someTime()
			if strings.Contains(route, "{event_id}") {
				id, query = w.events["alice"][0].EventID, nil
			}
			res := w.get(t, "alice", route, id, query)
			p := problem(t, res, c.status)
			require.Equal(t, c.kind, p.Type)
			require.Contains(t, p.Detail, c.says)
			require.NotContains(t, res.Body, "secret-host")
			require.Equal(t, c.again, res.Headers["retry-after"] != "")
		}
	}
	require.Contains(t, w.log.String(), "secret-host")
}

// late says whether its context ends before the caller's.
type late struct {
	films
	left time.Duration
}

func (l *late) Live(ctx context.Context, _ string, _ playback.Protocol) (playback.Session, error) {
	at, _ := ctx.Deadline()
	l.left = time.Until(at)
	return playback.Session{}, playback.ErrBusy
}

func TestThereIsTimeToSayThatThereWasNone(t *testing.T) {
	l := &late{}
	a := New(Config{Store: one{owner: "alice"}, Video: l, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	res, err := a.Handle(ctx, request("alice", playCameraRoute, "porch.front", nil))
	require.NoError(t, err)
	require.LessOrEqual(t, l.left, time.Hour-reserve)
	require.Equal(t, 503, res.StatusCode)
}
