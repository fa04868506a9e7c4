package homeassistant_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/config"
	"porchlight/internal/edge/homeassistant"
	"porchlight/internal/edge/lan"
	"porchlight/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is only ever reached by a failing test.
const patience = 30 * time.Second

var t0 = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// broker is one that other programs could reach too.
func broker(t *testing.T) *lan.Broker {
	t.Helper()
	b, err := lan.NewBroker(lan.BrokerConfig{
		Thing: "home", LAN: config.LAN{Listen: "127.0.0.1:0"}, Prefix: "homeassistant", Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	background(t, func(ctx context.Context) { _ = b.Run(ctx) })
	return b
}

// background runs f until the test ends, or stop is called.
func background(t *testing.T, f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); <-done }) }
	t.Cleanup(stop)
	return stop
}

// assistant sees what Home Assistant would.
type assistant struct {
	mu       sync.Mutex
	retained map[string]string
	events   []string
}

func watch(t *testing.T, b *lan.Broker) *assistant {
	t.Helper()
	a := &assistant{retained: map[string]string{}}
	for _, filter := range []string{"homeassistant/#", "porchlight/#"} {
		ready := make(chan struct{})
		background(t, func(ctx context.Context) { b.Subscribe(ctx, filter, a.hear, func() { close(ready) }) })
		<-ready
	}
	return a
}

func (a *assistant) hear(topic string, payload []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case strings.HasSuffix(topic, "/alert"):
		a.events = append(a.events, string(payload))
	case len(payload) == 0:
		delete(a.retained, topic)
	default:
		a.retained[topic] = string(payload)
	}
}

// state returns what is on the topic that ends so, "" for nothing.
func (a *assistant) state(suffix string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for topic, payload := range a.retained {
		if strings.HasSuffix(topic, suffix) {
			return payload
		}
	}
	return ""
}

// mentions says whether a topic that is retained has text in it.
func (a *assistant) mentions(text string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for topic := range a.retained {
		if strings.Contains(topic, text) {
			return true
		}
	}
	return false
}

func (a *assistant) becomes(t *testing.T, suffix, want string) {
	t.Helper()
	require.Eventually(t, func() bool { return a.state(suffix) == want }, patience, time.Millisecond, "%s is %q, want %q", suffix, a.state(suffix), want)
}

func (a *assistant) configs() map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	configs := map[string]string{}
	for topic, payload := range a.retained {
		if strings.HasSuffix(topic, "/config") {
			configs[topic] = payload
		}
	}
	return configs
}

func topics(device, what string) string { return lan.HomeAssistantTopic("home", device, what) }

func settings(cameras ...string) homeassistant.Config {
	return homeassistant.Config{
		Thing: "home", Version: "1.2.3", Prefix: "homeassistant", Cameras: cameras, Topic: topics, Log: slog.New(slog.DiscardHandler),
		SetPrivacy: func(string, bool) error { return nil },
	}
}

func start(t *testing.T, b homeassistant.Bus, cfg homeassistant.Config) (h *homeassistant.Home, stop func()) {
	t.Helper()
	h = homeassistant.New(cfg)
	return h, background(t, func(ctx context.Context) { h.Run(ctx, b) })
}

func sensor(name string, kind event.SensorKind, state string) event.Sensor {
	return event.Sensor{Name: name, Kind: kind, State: state, At: event.At(t0)}
}

// valid checks a discovery message against the schema.
func valid(t *testing.T, payload string) {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("testdata/discovery.schema.json")
	require.NoError(t, err)
	message, err := jsonschema.UnmarshalJSON(strings.NewReader(payload))
	require.NoError(t, err)
	require.NoError(t, schema.Validate(message), payload)
}

// golden compares with a file, or renews it.
func golden(t *testing.T, name, payload string) {
	t.Helper()
	var tree any
	require.NoError(t, json.Unmarshal([]byte(payload), &tree))
	pretty, err := json.MarshalIndent(tree, "", "  ")
	require.NoError(t, err)
	file := filepath.Join("testdata", name+".golden.json")
	if os.Getenv("PORCHLIGHT_UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(file, append(pretty, '\n'), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(pretty)+"\n", "renew with PORCHLIGHT_UPDATE_GOLDEN=1 if this is meant")
}
