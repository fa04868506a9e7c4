package iot_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/iot"
	"porchlight/internal/iot/iottest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 60 * time.Second // only ever reached by a failing test

// connect returns a client that ends with the test.
func connect(t *testing.T, b *iottest.Broker, edit func(*iot.ClientConfig)) *iot.Client {
	t.Helper()
	cfg := iot.ClientConfig{
		Endpoint: b.Addr(), ClientID: "home", TLS: b.Identity("home"), Log: slog.New(slog.DiscardHandler),
		NewSession: func() string { return "session" },
	}
	cfg.Hasty(patience)
	if edit != nil {
		edit(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c, err := iot.Connect(ctx, cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		cancel()
		c.Wait()
	})
	return c
}

func publish(t *testing.T, c *iot.Client, topic, payload string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return c.Publish(ctx, topic, []byte(payload))
}

// next returns what arrives on a channel.
func next[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(patience):
		require.FailNow(t, "nothing arrived any more")
		panic("not reached")
	}
}

func eventually(t *testing.T, what func() bool, message string) {
	t.Helper()
	require.Eventually(t, what, patience, 5*time.Millisecond, message)
}

// logged keeps the lines of a log.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

func (l *logged) with(part string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.lines), func(line string) bool { return !strings.Contains(line, part) })
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
