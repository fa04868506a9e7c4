package iotcore_test

import (
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore"
)

// Debian's MQTT command-line clients.
const (
	pub = "mosquitto_pub"
	sub = "mosquitto_sub"
)

// runTool runs one of them. They speak MQTT 3.1.1 unless
// told otherwise, and returns what it printed.
func runTool(t *testing.T, tool string, core *iotcore.Core, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skip(tool + " is not installed")
	}
	host, port, err := net.SplitHostPort(core.MQTTAddr())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, append([]string{"-h", host, "-p", port, "-k", "30"}, args...)...).CombinedOutput()
	require.NoError(t, ctx.Err(), "%s hangs: %s", tool, out)
	return string(out), err
}

func credentialsOf(files iotcore.Files) []string {
	return []string{"--cafile", files.CA, "--cert", files.Certificate, "--key", files.Key}
}

func TestMosquitto(t *testing.T) {
	a := newActions()
	core := start(t, config(t, a))
	front := register(t, core, "front")
	stranger := register(t, start(t, config(t, newActions())), "front") // of another authority
	trusted := []string{"--cafile", front.CA, "--cert", stranger.Certificate, "--key", stranger.Key}
	revoked := register(t, core, "gone")
	require.NoError(t, core.RevokeThing("gone"))
	const foreign = "porchlight/v1/back/events"
	tests := []struct {
		name string
		args []string
		ok   bool
	}{
		{"own topic", append(credentialsOf(front), "-i", "front", "-t", eventsOf, "-q", "1"), true},
		{"own topic, mqtt 5", append(credentialsOf(front), "-i", "front", "-t", eventsOf, "-q", "1", "-V", "5"), true},
		{"foreign topic", append(credentialsOf(front), "-i", "front", "-t", foreign, "-q", "1"), false},
		{"other client id", append(credentialsOf(front), "-i", "back", "-t", eventsOf, "-q", "1"), false},
		{"qos 2", append(credentialsOf(front), "-i", "front", "-t", eventsOf, "-q", "2"), false},
		{"mqtt 3.1", append(credentialsOf(front), "-i", "front", "-t", eventsOf, "-q", "1", "-V", "31"), false},
		{"no certificate", []string{"--cafile", front.CA, "-i", "front", "-t", eventsOf, "-q", "1"}, false},
		{"certificate of another authority", append(trusted, "-i", "front", "-t", eventsOf, "-q", "1"), false},
		{"server of another authority", append(credentialsOf(stranger), "-i", "front", "-t", eventsOf, "-q", "1"), false},
		{"revoked certificate", append(credentialsOf(revoked), "-i", "gone", "-t", "porchlight/v1/gone/events", "-q", "1"), false},
		{"no tls", []string{"-i", "front", "-t", eventsOf, "-q", "1"}, false},
	}
	want := 0
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := runTool(t, pub, core, append(tt.args, "-m", `{"a":1}`)...)
			if tt.ok {
				require.NoError(t, err, out)
				want++
			} else {
				require.Error(t, err, out)
			}
			require.Len(t, a.all(), want)
		})
	}
	t.Run("foreign topic, mqtt 5", func(t *testing.T) {
		// The tool prints the refusal and ends well.
		out, _ := runTool(t, pub, core, append(credentialsOf(front), "-i", "front", "-t", foreign, "-q", "1", "-V", "5", "-m", "{}")...)
		require.Contains(t, strings.ToLower(out), "not authorized")
		require.Len(t, a.all(), want)
	})
	t.Run("subscribe", func(t *testing.T) {
		out, _ := runTool(t, sub, core, append(credentialsOf(front), "-i", "front", "-t", "porchlight/v1/back/commands", "-q", "1", "-W", "10")...)
		require.Contains(t, out, "denied")
		// A retained command waits for its subscriber.
		out, err := runTool(t, pub, core, append(credentialsOf(front), "-i", "front", "-t", "porchlight/v1/front/commands", "-q", "1", "-r", "-m", "hello")...)
		require.NoError(t, err, out)
		out, err = runTool(t, sub, core, append(credentialsOf(front), "-i", "front", "-t", "porchlight/v1/front/commands", "-q", "1", "-C", "1")...)
		require.NoError(t, err, out)
		require.Equal(t, "hello\n", out)
	})
}

// TestUnacknowledgedMQTT311: a 3.1.1 client whose message found no home sees
// its connection end, never a PUBACK.
func TestUnacknowledgedMQTT311(t *testing.T) {
	a := newActions()
	broken := func(context.Context, []byte) error { return context.DeadlineExceeded }
	a.onSNS, a.onSQS = broken, broken
	core := start(t, config(t, a))
	conn := raw(t, core, register(t, core, "front"))
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err := conn.Write(connect311("front"))
	require.NoError(t, err)
	connack := make([]byte, 4)
	_, err = conn.Read(connack)
	require.NoError(t, err)
	require.Equal(t, []byte{0x20, 2, 0, 0}, connack)
	_, err = conn.Write(publish311(eventsOf, `{}`, 7))
	require.NoError(t, err)
	n, err := conn.Read(make([]byte, 100))
	require.Error(t, err)
	require.Zero(t, n)
	var timeout net.Error
	require.NotErrorAs(t, err, &timeout, "closed, not silent")
}

func openssl(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	require.NoError(t, err, "openssl %s: %s", strings.Join(args, " "), out)
	return string(out)
}
