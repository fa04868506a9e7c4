package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

func TestCommandReachesTheDevice(t *testing.T) {
	cloud := startIoTCloud(t)
	ctx, cancel := context.WithCancel(t.Context())
	link := cloud.dial(ctx, t)
	arrived, ready, ended := make(chan []byte, 1), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_ = link.Subscribe(ctx, "porchlight/v1/porch/commands", func(_ string, payload []byte) { arrived <- payload }, func() { close(ready) })
	}()
	<-ready
	before := time.Now()
	r := porchlight(t, "command", "porch", "snapshot", "--camera", "door", "--arg", "width=640")
	require.Equal(t, 0, r.code, r.stderr)
	answer := lines[map[string]string](t, r)[0]
	require.Equal(t, "porchlight/v1/porch/replies", answer["replies"])
	c, err := event.ParseCommand(<-arrived)
	require.NoError(t, err)
	require.Equal(t, answer["request_id"], c.RequestID)
	require.Equal(t, event.CommandSnapshot, c.Command)
	require.Equal(t, "porch.door", c.Camera)
	require.Equal(t, map[string]any{"width": "640"}, c.Args)
	require.WithinRange(t, c.ExpiresAt.Time, before.Add(59*time.Second), time.Now().Add(time.Minute))
	cancel()
	<-ended
}

func TestCommandAndUpdateRefuse(t *testing.T) {
	t.Setenv("PORCHLIGHT_MODELS", t.TempDir())
	for _, args := range [][]string{
		{"command", "porch"},
		{"command", "porch", "dance"},
		{"command", "porch", "snapshot"},
		{"command", "po.rch", "reload"},
		{"command", "porch", "reload", "--expires", "2h"},
		{"update"},
		{"update", "model", "yolox-nano"},
		{"update", "model", "--thing", "a/b/c", "yolox-nano"},
		{"update", "model", "--thing", "a", "--timeout", "5s", "yolox-nano"},
		{"update", "software", "--thing", "a", "--version", "1.0.0", "/no/such/file"},
	} {
		r := porchlight(t, args...)
		require.Equal(t, 2, r.code, "%v: %s", args, r.stderr)
		require.Empty(t, r.stdout)
	}
	r := porchlight(t, "update", "model", "--thing", "a", "--dry-run", "yolox-nano")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "porchlight models pull yolox-nano")
}
