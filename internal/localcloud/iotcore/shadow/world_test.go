package shadow_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore/shadow"
)

// world is a service with one thing, porch, and what it published.
type world struct {
	*shadow.Service
	cfg shadow.Config

	mu   sync.Mutex
	now  int64
	sent []sent
}

type sent struct {
	topic, payload string
	qos            byte
}

func open(t testing.TB) *world {
	t.Helper()
	w := &world{now: 12345}
	w.cfg = shadow.Config{
		Path:  filepath.Join(t.TempDir(), "shadows.db"),
		Known: func(thing string) bool { return thing == "porch" },
		Publish: func(topic string, payload []byte, qos byte) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.sent = append(w.sent, sent{topic, string(payload), qos})
		},
		Now: func() time.Time { return time.Unix(w.now, 0) },
		Log: slog.New(slog.DiscardHandler),
	}
	w.reopen(t)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func (w *world) reopen(t testing.TB) {
	t.Helper()
	if w.Service != nil {
		require.NoError(t, w.Close())
	}
	var err error
	w.Service, err = shadow.Open(w.cfg)
	require.NoError(t, err)
}

// ask publishes a request and returns what it brought, by the end of the topic.
func (w *world) ask(t testing.TB, topic, payload string) map[string]string {
	t.Helper()
	r, ok := shadow.ParseTopic(topic)
	require.True(t, ok, topic)
	w.sent = nil
	w.Handle(r, []byte(payload), 1)
	prefix, _, _ := strings.Cut(topic, "/update")
	prefix, _, _ = strings.Cut(prefix, "/get")
	prefix, _, _ = strings.Cut(prefix, "/delete")
	out := map[string]string{}
	for _, s := range w.sent {
		require.EqualValues(t, 1, s.qos)
		out[strings.TrimPrefix(s.topic, prefix+"/")] = s.payload
	}
	return out
}

const (
	classic = "$aws/things/porch/shadow/"
	named   = "$aws/things/porch/shadow/name/config/"
)
