// Package greengrass_test proves the fake nucleus honest: a client built on
// AWS's own event-stream runtime, which shares nothing with ours, has to see
// what it would of a real one.
package greengrass_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/greengrass/fakenucleus"
)

// python that Debian's package python3-awscrt installs for: another one first
// on the PATH would not find it.
const python = "/usr/bin/python3"

// seen is what the runtime saw in one step.
type seen struct {
	Step    string   `json:"step"`
	Answer  *message `json:"answer"`
	Event   *message `json:"event"`
	First   *message `json:"first"`
	Closed  bool     `json:"closed"`
	InOrder bool     `json:"in_order"`
	Open    bool     `json:"open"`
}

type message struct {
	Type    string            `json:"type"`
	Flags   int               `json:"flags"`
	Headers map[string]string `json:"headers"`
	Payload any               `json:"payload"`
}

func TestIndependentClient(t *testing.T) {
	if err := exec.CommandContext(t.Context(), python, "-c", "import awscrt.eventstream.rpc").Run(); err != nil {
		t.Skipf("%s has no awscrt (apt-get install python3-awscrt): %v", python, err)
	}
	for _, kind := range []fakenucleus.Kind{fakenucleus.Java, fakenucleus.Lite} {
		t.Run(kind.String(), func(t *testing.T) { converse(t, kind) })
	}
}

func converse(t *testing.T, kind fakenucleus.Kind) {
	n := fakenucleus.ForTest(t, kind, "c")
	require.NoError(t, n.Deploy("c", json.RawMessage(`{"threshold":0.8}`)))
	n.Inject("RestartComponent", fakenucleus.Exception())

	steps := run(t, n)
	java := kind == fakenucleus.Java
	either := func(onJava, onLite any) any {
		if java {
			return onJava
		}
		return onLite
	}
	shape := func(name string) map[string]string {
		return map[string]string{"service-model-type": "aws.greengrass#" + name, ":content-type": "application/json"}
	}
	answered := func(step, name string, payload any) {
		t.Helper()
		// Java ends the stream of a call, nucleus lite leaves it open.
		require.Equal(t, &message{"APPLICATION_MESSAGE", either(2, 0).(int), shape(name), payload}, steps[step].Answer, step)
		require.Equal(t, java, steps[step].Closed, step)
	}
	failed := func(step, name string) map[string]any {
		t.Helper()
		m := steps[step].Answer
		require.Equal(t, []any{"APPLICATION_ERROR", 2, shape(name)}, []any{m.Type, m.Flags, m.Headers}, step)
		require.True(t, steps[step].Closed, step)
		body := m.Payload.(map[string]any)
		require.Equal(t, name, body["_errorCode"], step)
		return body
	}
	none := map[string]any{}

	refusal := &message{"CONNECT_ACK", 0, map[string]string{}, nil}
	if !java {
		refusal = nil // it hangs up
	}
	require.Equal(t, refusal, steps["wrong token"].Answer)
	require.Equal(t, &message{"CONNECT_ACK", 1, map[string]string{}, nil}, steps["connect"].Answer)

	require.Equal(t, &message{"APPLICATION_MESSAGE", 0, shape("SubscribeToTopicResponse"), none}, steps["subscribe"].Answer)
	answered("publish", "PublishToTopicResponse", none)
	require.Equal(t, &message{"APPLICATION_MESSAGE", 0, shape("SubscriptionResponseMessage"), map[string]any{
		"binaryMessage": map[string]any{"message": "AGhlbGxv", "context": map[string]any{"topic": "a"}},
	}}, steps["publish"].Event)
	require.True(t, steps["thousand"].InOrder)
	require.True(t, steps["terminate"].Closed)

	answered("read", "GetConfigurationResponse", map[string]any{
		"componentName": "c", "value": map[string]any{"threshold": either(0.8, "0.8")},
	})
	answered("timestamp", "UpdateConfigurationResponse", none)
	answered("state", "UpdateStateResponse", none)
	answered("iot core", "PublishToIoTCoreResponse", none)
	failed("missing key", "ResourceNotFoundError")
	if java {
		m := steps["unknown operation"].Answer
		require.Equal(t, "Unsupported Operation", m.Payload.(map[string]any)["error"])
		require.NotContains(t, m.Headers, "service-model-type")
		answered("whole timestamp", "UpdateConfigurationResponse", none)
		failed("shadow", "ResourceNotFoundError")
	} else {
		require.Empty(t, failed("unknown operation", "ServiceError")["_message"])
		failed("whole timestamp", "InvalidArgumentsError")
		require.Empty(t, failed("shadow", "ServiceError")["_message"])
	}
	require.Equal(t, &message{"APPLICATION_ERROR", 2, map[string]string{":content-type": "text/plain"}, "InternalServerError"}, steps["exception"].Answer)

	require.True(t, steps["still open"].Open)
	if java {
		require.Equal(t, []any{"PING_RESPONSE", "there?"}, []any{steps["large"].First.Type, steps["large"].First.Payload})
	} else {
		require.Nil(t, steps["large"].First, "the connection is dropped, without a word")
	}
	// One call of a stream id out of order would have been one too many.
	require.Equal(t, 1, n.Counts().Refused)
	require.Equal(t, either(0, 1), n.Counts().Dropped)
	require.Equal(t, 1, n.Counts().Terminates)
}

// run runs the script and returns its steps by name.
func run(t *testing.T, n *fakenucleus.Nucleus) map[string]seen {
	t.Helper()
	script := exec.CommandContext(t.Context(), python, "ipc_client.py", n.Socket(), n.Token())
	script.WaitDelay = time.Second
	var stderr bytes.Buffer
	script.Stderr = &stderr
	output, err := script.Output()
	require.NoError(t, err, "%s%s", output, &stderr)
	steps := map[string]seen{}
	for lines := bufio.NewScanner(bytes.NewReader(output)); lines.Scan(); {
		var step seen
		require.NoError(t, json.Unmarshal(lines.Bytes(), &step), lines.Text())
		steps[step.Step] = step
	}
	return steps
}
