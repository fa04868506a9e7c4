package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/config"
	"porchlight/internal/edge/gateway"
	"porchlight/internal/event"
	"porchlight/internal/logtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is only ever reached by a failing test.
const patience = 30 * time.Second

const base = `
thing: home
state_dir: x
iot: {endpoint: "a:1", credentials_endpoint: "b:2", role_alias: r, certificate: c, private_key: k}
cloud: {thumbnail_bucket: t}
cameras: {front: {source: x}}
`

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, err := config.Parse([]byte(base + text))
	require.NoError(t, err)
	return cfg
}

// cloud is the other side: the spool and what comes from IoT Core.
type cloud struct {
	put     chan string
	mu      sync.Mutex
	handles map[string]func(topic string, payload []byte)
}

func newCloud() *cloud {
	return &cloud{put: make(chan string, 1000), handles: map[string]func(string, []byte){}}
}

func (c *cloud) Put(topic string, payload []byte) error {
	c.put <- topic + " " + string(payload)
	return nil
}

func (c *cloud) Subscribe(ctx context.Context, filter string, handle func(string, []byte), _ func()) {
	c.mu.Lock()
	c.handles[filter] = handle
	c.mu.Unlock()
	<-ctx.Done()
}

func (c *cloud) send(t *testing.T, filter, topic, payload string) {
	t.Helper()
	var handle func(string, []byte)
	require.Eventually(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		handle = c.handles[filter]
		return handle != nil
	}, patience, time.Millisecond)
	handle(topic, []byte(payload))
}

// journal is a log that can be read while it is written.
type journal = logtest.Memory

func start(t *testing.T, o gateway.Options) (g *gateway.Gateway, stop func(), log *journal) {
	t.Helper()
	log = &journal{}
	o.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	g, err := gateway.New(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); g.Run(ctx) }()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); <-done }) }
	t.Cleanup(func() {
		stop()
		require.NotContains(t, log.String(), "hush", "a password is in the log")
	})
	return g, stop, log
}

func next[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}

func mosquitto(t *testing.T, tool, address string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("mosquitto_" + tool)
	if err != nil {
		t.Skip("mosquitto_" + tool + " is not installed")
	}
	host, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, append([]string{"-h", host, "-p", port, "-q", "1"}, args...)...).CombinedOutput()
	return string(out), err
}

func TestNothingIsOnByDefault(t *testing.T) {
	g, stop, log := start(t, gateway.Options{Config: parse(t, ""), Put: newCloud().Put})
	require.Nil(t, g.LAN())
	require.Empty(t, g.Sensors())
	g.Event(event.Event{}, nil)
	g.Status(event.Status{})
	g.SetCameras(nil)
	stop()
	require.Empty(t, log.String())
}

func TestSensorsWithoutANetworkAreSaid(t *testing.T) {
	_, _, log := start(t, gateway.Options{Config: parse(t, "sensors: {door: {kind: contact}}"), Put: newCloud().Put})
	require.Contains(t, log.String(), "sensors are configured and cannot be heard")
}

const whole = `
lan:
  users:
    hallway: {password: hush-hallway, sensors: [door]}
    zigbee: {password: hush-zigbee, topics: [zigbee2mqtt/#]}
    hass: {password: hush-hass, role: home_assistant}
  listen: 127.0.0.1:1
sensors:
  garage: {kind: contact, topic: zigbee2mqtt/garage}
home_assistant: {enabled: true}
`

// A device, Zigbee2MQTT, Home Assistant and the cloud, each from its side.
func TestOwnBroker(t *testing.T) {
	cfg, c, listening, asked := parse(t, whole), newCloud(), make(chan string, 1), make(chan string, 10)
	cfg.LAN.Listen = "127.0.0.1:0" // any that is free, which a configuration cannot say
	g, _, _ := start(t, gateway.Options{
		Config: cfg, Version: "1.2.3", Put: c.Put, Cloud: c, OnListen: func(a string) { listening <- a },
		SetPrivacy: func(camera string, on bool) error {
			if on {
				asked <- camera
			}
			return nil
		},
	})
	address := next(t, listening)
	hallway, hass := []string{"-u", "hallway", "-P", "hush-hallway"}, []string{"-u", "hass", "-P", "hush-hass"}

	// Retained, as many devices send it: the gateway may have begun to listen
	// just before it subscribes.
	out, err := mosquitto(t, "pub", address, append(hallway, "-r", "-t", "porchlight/v1/home/sensors/door", "-m", `{"kind":"contact","state":"open","at":"2026-05-04T03:02:01Z"}`)...)
	require.NoError(t, err, out)
	require.Contains(t, next(t, c.put), `porchlight/v1/home/sensors/door {"kind":"contact","state":"open"`)
	out, err = mosquitto(t, "pub", address, "-u", "zigbee", "-P", "hush-zigbee", "-r", "-t", "zigbee2mqtt/garage", "-m", `{"contact":false}`)
	require.NoError(t, err, out)
	require.Contains(t, next(t, c.put), `porchlight/v1/home/sensors/garage {"kind":"contact","state":"open"`)
	require.Len(t, g.Sensors(), 2)

	// The cloud says something to the sensor; it is retained by nobody, so it
	// is said until the sensor listens.
	heard := make(chan string, 1)
	go func() {
		out, _ := mosquitto(t, "sub", address, append(hallway, "-t", "porchlight/v1/home/sensors/door/set", "-C", "1")...)
		heard <- out
	}()
	require.Eventually(t, func() bool {
		c.send(t, "porchlight/v1/home/sensors/+/set", "porchlight/v1/home/sensors/door/set", `{"beep":true}`)
		return len(heard) > 0
	}, patience, time.Second)
	require.Equal(t, "{\"beep\":true}\n", <-heard)

	command := ""
	require.Eventually(t, func() bool {
		out, err := mosquitto(t, "sub", address, append(hass, "-t", "homeassistant/#", "-C", "4")...)
		require.NoError(t, err, out)
		for line := range strings.Lines(out) {
			var announced struct {
				Device     struct{ Name string }
				Components map[string]struct {
					CommandTopic string `json:"command_topic"`
				}
			}
			require.NoError(t, json.Unmarshal([]byte(line), &announced))
			if announced.Device.Name == "Front" {
				command = announced.Components["privacy"].CommandTopic
			}
		}
		return command != "" // the same device may have come twice
	}, patience, time.Millisecond)
	require.Eventually(t, func() bool {
		out, err := mosquitto(t, "pub", address, append(hass, "-t", command, "-m", "ON")...)
		require.NoError(t, err, out)
		return len(asked) > 0
	}, patience, 50*time.Millisecond)
	require.Equal(t, "home.front", <-asked)

	g.Event(event.Event{
		EventID: event.NewID(time.Now()), Sequence: 1, State: event.Started, Camera: "home.front", Labels: map[string]float64{"person": 0.9},
	}, bytes.Repeat([]byte{0xff}, 50<<10))
	out, err = mosquitto(t, "sub", address, append(hass, "-t", "porchlight/v1/home/homeassistant/+/picture", "-C", "1", "-N")...)
	require.NoError(t, err)
	require.Len(t, out, 50<<10)
	pictures := make(chan int, 1)
	subscribing, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		g.LAN().Subscribe(subscribing, "clients/+", func(_ string, payload []byte) { pictures <- len(payload) }, func() { close(ready) })
	}()
	next(t, ready)
	out, err = mosquitto(t, "pub", address, append(hallway, "-t", "clients/hallway", "-m", strings.Repeat("x", 100<<10))...)
	require.NoError(t, err, out)
	require.Equal(t, 100<<10, next(t, pictures))
	cancel()
	<-done
}

// foreign is somebody else's broker.
func foreign(t *testing.T, address string) (*mqtt.Server, string) {
	t.Helper()
	server := mqtt.New(&mqtt.Options{InlineClient: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, server.AddHook(new(auth.AllowHook), nil))
	listener := listeners.NewTCP(listeners.Config{ID: "t", Address: address})
	require.NoError(t, server.AddListener(listener))
	require.NoError(t, server.Serve())
	return server, listener.Address()
}

// The broker loses all it held, as one without persistence does when it is
// started again; Home Assistant gets all back, and sensors are heard again.
func TestAnotherBrokerStartsAgain(t *testing.T) {
	server, address := foreign(t, "127.0.0.1:0")
	c := newCloud()
	g, stop, _ := start(t, gateway.Options{
		Config: parse(t, "lan: {broker: 'mqtt://"+address+"', user: me, password: hush-hush}\nhome_assistant: {enabled: true}\n"),
		Put:    c.Put, SetPrivacy: func(string, bool) error { return nil },
	})
	retained := func(suffix string) string {
		for topic, pk := range server.Topics.Retained.GetAll() {
			if strings.HasSuffix(topic, suffix) {
				return string(pk.Payload)
			}
		}
		return ""
	}
	require.Eventually(t, func() bool { return retained("/availability") == "online" && retained("/person") == "OFF" }, patience, 5*time.Millisecond)
	g.Event(event.Event{
		EventID: event.NewID(time.Now()), Sequence: 1, State: event.Started, Camera: "home.front", Labels: map[string]float64{"person": 0.9},
	}, []byte("jpeg"))
	require.Eventually(t, func() bool { return retained("/person") == "ON" && retained("/picture") == "jpeg" }, patience, 5*time.Millisecond)

	require.NoError(t, server.Close())
	server, _ = foreign(t, address)
	defer func() { server.Close() }()
	require.Eventually(t, func() bool {
		return retained("/availability") == "online" && retained("/person") == "ON" && retained("/picture") == "jpeg"
	}, patience, 5*time.Millisecond)
	require.Eventually(t, func() bool {
		require.NoError(t, server.Publish("porchlight/v1/home/sensors/door", []byte(`{"kind":"contact","state":"open"}`), false, 1))
		return len(c.put) > 0
	}, patience, 20*time.Millisecond)
	stop()
	require.Equal(t, "offline", retained("/availability"))
}

// Files that are missing do not end it; once they are there it works.
func TestMissingFiles(t *testing.T) {
	_, _, log := start(t, gateway.Options{
		Config: parse(t, "lan: {broker: 'mqtts://127.0.0.1:1', ca: /does/not/exist.pem}"), Put: newCloud().Put,
	})
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "the local network is off") }, patience, 5*time.Millisecond)
	require.Contains(t, log.String(), "exist.pem")
}
