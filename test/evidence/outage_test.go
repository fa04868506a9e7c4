package evidence

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
)

// What could not be sent before an orderly end is sent by the next life, from
// the disk.
func TestUploadsSurviveARestart(t *testing.T) {
	t.Parallel()
	c, camera, dir := newCloud(t), newCamera(t), t.TempDir()
	h := live(t, dir, c, camera, settings(nil), nil)
	h.flows(4 * time.Second)
	c.down()
	e := happening(event.Notice)
	h.becomes(&e, event.Started)
	eventually(t, "it is on the disk", func() bool { return h.safe().After(e.StartedAt.Add(2 * time.Second)) })
	h.becomes(&e, event.Ended)
	clip := h.sink.last().Clip
	require.NotNil(t, clip, "it will be there")
	eventually(t, "all is on the disk", func() bool { return h.safe().After(clip.To.Time) })
	h.end(nil)

	next := live(t, dir, c, camera, settings(nil), nil)
	next.flows(time.Second)
	c.up()
	defer next.explain(clip)
	eventually(t, "all of it in the cloud", func() bool { return next.uploaded(clip.From.Time, clip.To.Time) })
	c.once()
}

// safe is up to when the camera's video is on the disk.
func (h *home) safe() time.Time { return h.keeper.Stats().Record.Safe }

// child is the environment of a device that is killed.
const child = "EVIDENCE_CHILD"

// errand is what it is told.
type errand struct {
	Dir, Camera, Endpoint string
	Keys                  aws.Credentials
	Event                 event.Event
}

// untilKilled is a device in whose event the power goes. It says how far its
// video is on the disk.
func untilKilled(t *testing.T, text string) {
	var r errand
	require.NoError(t, json.Unmarshal([]byte(text), &r))
	cfg := configOf(r.Dir, nil)
	cfg.Cloud.Endpoint = r.Endpoint
	h := liveWith(t, cfg, credentials.StaticCredentialsProvider{Value: r.Keys}, r.Camera, settings(nil), nil)
	h.flows(4 * time.Second)
	e := happening(event.Alert)
	e.EventID = r.Event.EventID
	h.becomes(&e, event.Started)
	started, err := json.Marshal(h.sink.last())
	require.NoError(t, err)
	_, _ = fmt.Fprintf(os.Stdout, "\nevent %s\n", started)
	for {
		_, _ = fmt.Fprintf(os.Stdout, "\nsafe %d\n", h.safe().UnixMilli())
		time.Sleep(20 * time.Millisecond)
	}
}

// The network goes in an event, then the power. When both are back the stream
// holds all that there is of the event, once and in order.
func TestKilledInAnEventWithoutNetwork(t *testing.T) {
	if text := os.Getenv(child); text != "" {
		untilKilled(t, text)
	}
	t.Parallel()
	c, camera, dir := newCloud(t), newCamera(t), t.TempDir()
	keys, err := c.credentials().Retrieve(t.Context())
	require.NoError(t, err)
	text, err := json.Marshal(errand{
		Dir: dir, Camera: camera.URL(), Endpoint: c.server.URL, Keys: keys, Event: event.Event{EventID: event.NewID(time.Now())},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilledInAnEventWithoutNetwork$")
	cmd.Env = append(os.Environ(), child+"="+string(text))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var e event.Event
	var safe time.Time
	var all []string
	cut := time.Time{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		kind, rest, _ := strings.Cut(lines.Text(), " ")
		switch kind {
		case "event":
			require.NoError(t, json.Unmarshal([]byte(rest), &e), rest)
		case "safe":
			ms, err := strconv.ParseInt(rest, 10, 64)
			require.NoError(t, err)
			safe = time.UnixMilli(ms)
		default:
			all = append(all, lines.Text())
		}
		switch {
		case e.EventID == "":
		case cut.IsZero() && len(c.fragments(door)) > 1:
			cut = time.Now()
			c.down()
		case !cut.IsZero() && safe.After(cut.Add(3*time.Second)):
			_ = cmd.Process.Kill() // SIGKILL; what it said before is still read
		}
	}
	require.Error(t, cmd.Wait(), "it was killed")
	require.False(t, cut.IsZero(), strings.Join(all, "\n"))
	require.True(t, safe.After(cut.Add(3*time.Second)), strings.Join(all, "\n"))

	// The pipeline goes on with the event, as edge notes it.
	e.UpdatedAt = event.At(safe)
	h := live(t, dir, c, camera, settings(nil), &e)
	h.flows(2 * time.Second)
	c.up()
	back := time.Now()
	eventually(t, "some more of the event", func() bool { return h.safe().After(back.Add(time.Second)) })
	h.becomes(&e, event.Ended)
	clip := h.sink.last().Clip
	require.NotNil(t, clip)
	require.Equal(t, event.At(e.StartedAt.Add(-2*time.Second)), clip.From)
	eventually(t, "what was on the disk", func() bool { return h.uploaded(clip.From.Time, safe) })
	eventually(t, "what came after", func() bool { return h.uploaded(back, clip.To.Time) })
	c.once()
}

// The fragment under way at an orderly end is completed and acknowledged, so
// that nothing has to be sent again.
func TestTheEndIsOrderly(t *testing.T) {
	t.Parallel()
	c, dir := newCloud(t), t.TempDir()
	h := live(t, dir, c, newCamera(t), settings(func(s *config.Camera) { s.Upload.Mode = config.VideoContinuous }), nil)
	eventually(t, "an upload", func() bool { return h.keeper.Stats().Upload.Persisted > 1 })
	h.end(nil)
	stats := h.keeper.Stats()
	require.Zero(t, stats.Upload.Unpersisted)
	require.Zero(t, stats.Upload.Resent)
	require.Equal(t, stats.Upload.Sent, stats.Upload.Persisted)
}
