package greengrass_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/greengrass"
	"porchlight/internal/greengrass/fakenucleus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const component = "com.example.Camera"

// onBoth runs a test against both nuclei.
func onBoth(t *testing.T, test func(t *testing.T, n *fakenucleus.Nucleus)) {
	t.Helper()
	for _, kind := range []fakenucleus.Kind{fakenucleus.Java, fakenucleus.Lite} {
		t.Run(kind.String(), func(t *testing.T) { test(t, start(t, kind)) })
	}
}

func start(t *testing.T, kind fakenucleus.Kind) *fakenucleus.Nucleus {
	t.Helper()
	return fakenucleus.ForTest(t, kind, component)
}

func config(n *fakenucleus.Nucleus) greengrass.Config {
	cfg := greengrass.Config{
		Socket: n.Socket(), Token: n.Token(), Log: slog.New(slog.DiscardHandler),
		MinRedial: time.Millisecond, MaxRedial: 5 * time.Millisecond,
	}
	if n.Kind() == fakenucleus.Java {
		cfg.FrameLimit = greengrass.JavaFrameLimit
	}
	return cfg
}

func connect(t *testing.T, cfg greengrass.Config) *greengrass.Client {
	t.Helper()
	c, err := greengrass.Connect(within(t), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func connected(t *testing.T, kind fakenucleus.Kind) (*fakenucleus.Nucleus, *greengrass.Client) {
	t.Helper()
	n := start(t, kind)
	return n, connect(t, config(n))
}

// within bounds what would otherwise hang when the code is wrong.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits for a condition that another goroutine brings about.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, time.Millisecond)
}

func next[T any](t *testing.T, s *greengrass.Subscription[T]) T {
	t.Helper()
	event, err := s.Next(within(t))
	require.NoError(t, err)
	return event
}

func publish(t *testing.T, c *greengrass.Client, topic, text string) {
	t.Helper()
	require.NoError(t, c.PublishToTopic(within(t), greengrass.PublishToTopicRequest{Topic: topic, Binary: []byte(text)}))
}

func subscribe(t *testing.T, c *greengrass.Client, filter string) *greengrass.Subscription[greengrass.TopicMessage] {
	t.Helper()
	s, err := c.SubscribeToTopic(within(t), greengrass.SubscribeToTopicRequest{Filter: filter, Mode: greengrass.AllMessages})
	require.NoError(t, err)
	return s
}
