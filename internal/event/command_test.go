package event_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

func sampleCommand() *event.Command {
	return &event.Command{
		RequestID: "01JT-1", Command: event.CommandSnapshot, Camera: "home.front-door",
		ExpiresAt: event.At(time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)), Args: map[string]any{"width": 640.0},
	}
}

func sampleReply() *event.Reply {
	return &event.Reply{
		RequestID: "01JT-1", Command: event.CommandSnapshot, Camera: "home.front-door", State: event.ReplyDone,
		Result: map[string]any{"key": "thumbnails/home/a.jpg"}, At: event.At(time.Date(2026, 5, 4, 3, 2, 0, 0, time.UTC)),
	}
}

func TestCommandWireForm(t *testing.T) {
	c := sampleCommand()
	payload, err := c.Marshal()
	require.NoError(t, err)
	require.JSONEq(t, `{"request_id":"01JT-1","command":"snapshot","camera":"home.front-door",
		"expires_at":"2026-05-04T03:02:01.000Z","args":{"width":640}}`, string(payload))
	back, err := event.ParseCommand(payload)
	require.NoError(t, err)
	require.Equal(t, c, back)
}

func TestReplyWireForm(t *testing.T) {
	r := sampleReply()
	payload, err := r.Marshal()
	require.NoError(t, err)
	require.JSONEq(t, `{"request_id":"01JT-1","command":"snapshot","camera":"home.front-door","state":"done",
		"result":{"key":"thumbnails/home/a.jpg"},"at":"2026-05-04T03:02:00.000Z"}`, string(payload))
	back, err := event.ParseReply(payload)
	require.NoError(t, err)
	require.Equal(t, r, back)
}

func TestCommandRefusesNonsense(t *testing.T) {
	for name, spoil := range map[string]func(*event.Command){
		"no id":         func(c *event.Command) { c.RequestID = "" },
		"long id":       func(c *event.Command) { c.RequestID = strings.Repeat("x", event.MaxRequestID+1) },
		"id with lines": func(c *event.Command) { c.RequestID = "a\nb" },
		"name":          func(c *event.Command) { c.Command = "Take It" },
		"unknown name":  func(c *event.Command) { c.Command = "dance" },
		"camera":        func(c *event.Command) { c.Camera = "front-door" },
		"no camera":     func(c *event.Command) { c.Camera = "" },
		"no expiry":     func(c *event.Command) { c.ExpiresAt = event.Time{} },
		"args":          func(c *event.Command) { c.Args["x"] = math.NaN() },
	} {
		t.Run(name, func(t *testing.T) {
			c := sampleCommand()
			spoil(c)
			_, err := c.Marshal()
			require.ErrorIs(t, err, event.ErrInvalid)
		})
	}
	c := sampleCommand()
	c.Args["text"] = strings.Repeat("x", event.MaxPayload)
	_, err := c.Marshal()
	require.ErrorIs(t, err, event.ErrTooLarge)
}

func TestReplyRefusesNonsense(t *testing.T) {
	for name, spoil := range map[string]func(*event.Reply){
		"no id":   func(r *event.Reply) { r.RequestID = "" },
		"name":    func(r *event.Reply) { r.Command = "" },
		"camera":  func(r *event.Reply) { r.Camera = "a/b" },
		"state":   func(r *event.Reply) { r.State = "fine" },
		"message": func(r *event.Reply) { r.Message = strings.Repeat("ü", 1001) },
		"time":    func(r *event.Reply) { r.At = event.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			r := sampleReply()
			spoil(r)
			_, err := r.Marshal()
			require.ErrorIs(t, err, event.ErrInvalid)
		})
	}
	r := sampleReply()
	r.Result["text"] = strings.Repeat("x", event.MaxPayload)
	_, err := r.Marshal()
	require.ErrorIs(t, err, event.ErrTooLarge)
}

// A command of tomorrow can be answered, and so can one that is wrong.
func TestParseCommandGivesWhatAReplyNeeds(t *testing.T) {
	c, err := event.ParseCommand([]byte(`{"request_id":"r","command":"dance","expires_at":"2026-05-04T03:02:01Z","more":1}`))
	require.NoError(t, err)
	require.False(t, c.Command.Known())

	c, err = event.ParseCommand([]byte(`{"request_id":"r","command":"snapshot","expires_at":"2026-05-04T03:02:01Z"}`))
	require.ErrorIs(t, err, event.ErrInvalid)
	require.ErrorContains(t, err, "needs a camera")
	require.Equal(t, "r", c.RequestID)

	c, err = event.ParseCommand([]byte(`{"request_id":"r","command":5}`))
	require.ErrorIs(t, err, event.ErrInvalid)
	require.Equal(t, "r", c.RequestID)

	for _, hopeless := range []string{"", "[]", `{"command":"reload","expires_at":"2026-05-04T03:02:01Z"}`, "{" + strings.Repeat(" ", event.MaxPayload) + "}"} {
		c, err = event.ParseCommand([]byte(hopeless))
		require.Error(t, err)
		require.Nil(t, c)
	}
}

func FuzzParseCommand(f *testing.F) {
	payload, err := sampleCommand().Marshal()
	require.NoError(f, err)
	f.Add(payload)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := event.ParseCommand(data)
		if err != nil || !c.Command.Known() {
			return
		}
		again, err := c.Marshal()
		if err != nil {
			require.ErrorIs(t, err, event.ErrTooLarge)
			return
		}
		back, err := event.ParseCommand(again)
		require.NoError(t, err)
		require.Equal(t, c.RequestID, back.RequestID)
		require.Equal(t, c.ExpiresAt, back.ExpiresAt)
	})
}

func FuzzParseReply(f *testing.F) {
	payload, err := sampleReply().Marshal()
	require.NoError(f, err)
	f.Add(payload)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := event.ParseReply(data)
		if err != nil {
			return
		}
		if again, err := r.Marshal(); err == nil {
			back, err := event.ParseReply(again)
			require.NoError(t, err)
			require.Equal(t, r.State, back.State)
		}
	})
}
