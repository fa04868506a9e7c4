package nucleus_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/edge/nucleus"
	"porchlight/internal/greengrass"
	"porchlight/internal/greengrass/fakenucleus"
	"porchlight/internal/logtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	component = "porchlight.Camera"
	patience  = time.Minute
)

func onBoth(t *testing.T, test func(t *testing.T, fake *fakenucleus.Nucleus)) {
	t.Helper()
	for _, kind := range []fakenucleus.Kind{fakenucleus.Java, fakenucleus.Lite} {
		t.Run(kind.String(), func(t *testing.T) { test(t, fakenucleus.ForTest(t, kind, component)) })
	}
}

// environment of a process that the nucleus starts now.
func environment(fake *fakenucleus.Nucleus) map[string]string {
	return map[string]string{
		greengrass.SocketVariable: fake.Socket(), greengrass.TokenVariable: fake.Token(),
		"AWS_IOT_THING_NAME": "home", "AWS_REGION": "eu-central-1",
	}
}

// quick has short waits, so that what is waited for comes soon.
func quick(t *testing.T, env map[string]string) nucleus.Config {
	t.Helper()
	return nucleus.Config{
		Getenv: func(key string) string { return env[key] }, Folder: t.TempDir(), Log: slog.New(slog.DiscardHandler),
		IPC:    greengrass.Config{MinRedial: time.Millisecond, MaxRedial: 5 * time.Millisecond},
		Retry:  nucleus.Retry{Min: time.Millisecond, Max: 5 * time.Millisecond, Slow: 5 * time.Millisecond},
		Settle: nucleus.Settle{Quiet: 5 * time.Millisecond, Most: 50 * time.Millisecond},
	}
}

func open(t *testing.T, cfg nucleus.Config) *nucleus.Nucleus {
	t.Helper()
	n, err := nucleus.Open(within(t), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { n.Close() })
	return n
}

func connected(t *testing.T, fake *fakenucleus.Nucleus) *nucleus.Nucleus {
	t.Helper()
	return open(t, quick(t, environment(fake)))
}

// within bounds what would otherwise hang when the code is wrong.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, patience, time.Millisecond)
}

// beside runs something until the test ends.
func beside(t *testing.T, run func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

func deploy(t *testing.T, fake *fakenucleus.Nucleus, tree any) {
	t.Helper()
	text, err := json.Marshal(tree)
	require.NoError(t, err)
	require.NoError(t, fake.Deploy(component, text))
}

// memory is a log that can be read.
type memory = logtest.Memory

func marshal(t *testing.T, tree map[string]any) []byte {
	t.Helper()
	text, err := json.Marshal(tree)
	require.NoError(t, err)
	return text
}
