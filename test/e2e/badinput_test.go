package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// refused runs porchlight up, which must give up with exit status 1 and say
// all of the words.
func refused(t *testing.T, words []string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(root(), "bin", "porchlight"), append([]string{"up", "--aws", "127.0.0.1:0", "--mqtt", "127.0.0.1:0",
		"--mqtt-websocket", "127.0.0.1:0", "--credentials", "127.0.0.1:0", "--turn", "127.0.0.1:0"}, args...)...).CombinedOutput()
	exit, ok := err.(*exec.ExitError) //nolint:errorlint // exec returns it unwrapped
	require.True(t, ok, "%v: %s", err, out)
	require.Equal(t, 1, exit.ExitCode(), "%s", out)
	for _, word := range words {
		require.Contains(t, string(out), word)
	}
}

func TestUpRefusesWithCauseAndCure(t *testing.T) {
	m := boot(t, filepath.Join(t.TempDir(), "data")) // also skips where nothing is built
	t.Run("port in use", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		refused(t, []string{l.Addr().String(), "address already in use", "--listen"}, "--data", t.TempDir(), "--listen", l.Addr().String())
	})
	t.Run("data folder in use", func(t *testing.T) {
		refused(t, []string{"in use by another porchlight", "--data"}, "--data", m.data, "--listen", "127.0.0.1:0")
	})
	t.Run("every address at once", func(t *testing.T) {
		refused(t, []string{"0.0.0.0", "--listen", "127.0.0.1"}, "--data", t.TempDir(), "--listen", "0.0.0.0:0")
	})
	t.Run("unknown key", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "c.yaml")
		require.NoError(t, os.WriteFile(file, []byte("cameras: {door: {sauce: x}}"), 0o600))
		refused(t, []string{"cameras.door.sauce", "unknown key", "source"}, "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--config", file)
	})
}

func TestBadCamerasDoNotDisturbAGoodOne(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "letter.mp4")
	require.NoError(t, os.WriteFile(text, []byte("Dear Sir or Madam"), 0o600))
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	unreachable := silent.Addr().String()
	silent.Close()

	flags := append(syntheticCamera(t),
		"--camera", "letter="+text, "--camera", "gone="+filepath.Join(dir, "gone.mp4"), "--camera", "far=rtsp://me:s3cret@"+unreachable+"/x")
	m := boot(t, filepath.Join(dir, "data"), flags...)
	me := m.signIn()
	state := map[string]map[string]any{}
	await(t, "every camera to say how it is", func() bool {
		_, body := me.get("/v1/cameras")
		for _, c := range body["cameras"].([]any) {
			camera := c.(map[string]any)
			state[camera["name"].(string)] = camera
		}
		return len(state) == 4 && state["door"]["state"] == "running" && state["letter"]["state"] == "failed" &&
			state["gone"]["state"] == "failed" && state["far"]["state"] == "failed"
	})
	for name, want := range map[string]string{"letter": "video", "gone": "no such", "far": "refused"} {
		require.Contains(t, state[name]["message"], want, name)
	}
	require.NotContains(t, m.log(), "s3cret")
	for _, camera := range state {
		require.NotContains(t, fmt.Sprint(camera["message"]), "s3cret")
	}
	await(t, "an event of the good camera", func() bool { return len(me.events()) > 0 })
}
