package sensors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/event"
)

var t0 = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// house is a bridge with a clock that stands and a spool in memory.
type house struct {
	*Bridge
	now   time.Time
	spool []string // sensor and payload
	told  []event.Sensor
	full  bool
	log   bytes.Buffer
}

func newHouse(sensors map[string]config.Sensor) *house {
	h := &house{now: t0}
	h.Bridge = New(Config{
		Thing: "home", Sensors: sensors,
		Put: func(topic string, payload []byte) error {
			if h.full {
				return errors.New("disk full")
			}
			h.spool = append(h.spool, strings.TrimPrefix(topic, "porchlight/v1/home/sensors/")+" "+string(payload))
			return nil
		},
		OnSensor: func(s event.Sensor) { h.told = append(h.told, s) },
		Log:      slog.New(slog.NewTextHandler(&h.log, nil)), Now: func() time.Time { return h.now },
	})
	return h
}

func (h *house) says(sensor, payload string) {
	h.spoke(event.SensorTopic("home", sensor), []byte(payload))
}

// took returns what is new in the spool.
func (h *house) took() []string {
	defer func() { h.spool = nil }()
	return h.spool
}

func wire(sensor, kind, state string, at time.Time) string {
	return fmt.Sprintf(`%s {"kind":%q,"state":%q,"at":%q}`, sensor, kind, state, event.At(at))
}

func TestOwnForm(t *testing.T) {
	h := newHouse(nil)
	h.says("door", `{"kind":"contact","state":"open"}`)
	require.Equal(t, []string{wire("door", "contact", "open", t0)}, h.took())
	require.Equal(t, []event.Sensor{{Name: "door", Kind: event.Contact, State: "open", At: event.At(t0)}}, h.told)

	h.now = t0.Add(time.Minute)
	h.says("door", `{"kind":"contact","state":"open"}`)
	require.Empty(t, h.took(), "nothing new")
	h.says("door", `{"kind":"contact","state":"closed","at":"2026-05-04T03:02:30Z"}`)
	h.says("door", `{"kind":"contact","state":"closed","at":"2026-05-04T03:02:30Z"}`)
	require.Equal(t, []string{wire("door", "contact", "closed", t0.Add(29*time.Second))}, h.took(), "once")
	h.says("door", `{"kind":"contact","state":"closed","at":"2026-05-04T03:02:40Z"}`)
	require.Equal(t, []string{wire("door", "contact", "closed", t0.Add(39*time.Second))}, h.took(), "it says it anew")

	for _, payload := range []string{``, `{}`, `ON`, `{"kind":"contact","state":"ajar"}`, `{"kind":"mood","state":"good"}`, strings.Repeat("x", 20<<10)} {
		h.says("door", payload)
		h.says("unknown", payload)
	}
	h.spoke("porchlight/v1/away/sensors/door", []byte(`{"kind":"contact","state":"open"}`))
	h.spoke("porchlight/v1/home/sensors/a b", []byte(`{"kind":"contact","state":"open"}`))
	require.Empty(t, h.took())
	require.LessOrEqual(t, strings.Count(h.log.String(), "ignored"), 2, "complaints are few")
	require.Len(t, h.Status(), 1)
}

func TestTimes(t *testing.T) {
	h := newHouse(nil)
	say := func(state string, at time.Time) {
		h.says("door", fmt.Sprintf(`{"kind":"contact","state":%q,"at":%q}`, state, event.At(at)))
	}
	say("open", t0.Add(time.Hour))
	require.Equal(t, []string{wire("door", "contact", "open", t0)}, h.took(), "a clock that is ahead")
	say("closed", time.Unix(0, 0))
	require.Equal(t, []string{wire("door", "contact", "closed", t0.Add(time.Millisecond))}, h.took(), "a clock that never ran, and the later message is later")
	say("open", t0.Add(-time.Second))
	require.Equal(t, []string{wire("door", "contact", "open", t0.Add(2*time.Millisecond))}, h.took())
	say("open", t0.Add(-time.Second))
	require.Empty(t, h.took(), "delivered twice")
}

func TestWhatIsSaidAgainGoesOnNowAndThen(t *testing.T) {
	h := newHouse(nil)
	for range 100 {
		h.says("door", `{"kind":"contact","state":"open"}`)
		h.now = h.now.Add(time.Minute)
	}
	require.Len(t, h.took(), 2)
}

func TestRateKeepsTheLastWord(t *testing.T) {
	h := newHouse(nil)
	for i := range 101 {
		h.now = h.now.Add(time.Millisecond)
		h.says("door", fmt.Sprintf(`{"kind":"contact","state":%q}`, []string{"open", "closed"}[i%2]))
	}
	require.Len(t, h.told, 101, "those at home hear all")
	require.Len(t, h.took(), atOnce)
	last := h.now
	h.tick()
	require.Empty(t, h.took())
	h.now = h.now.Add(10 * time.Second)
	h.tick()
	require.Equal(t, []string{wire("door", "contact", "open", last)}, h.took())
	h.tick()
	require.Empty(t, h.took())
	h.says("stairs", `{"kind":"motion","state":"detected"}`)
	require.Len(t, h.took(), 1, "others are not held up")
}

func TestWhatWaitsIsNotLostAtTheEnd(t *testing.T) {
	h := newHouse(nil)
	for i := range atOnce + 2 {
		h.says("door", fmt.Sprintf(`{"kind":"contact","state":%q}`, []string{"open", "closed"}[i%2]))
	}
	require.Len(t, h.took(), atOnce)
	h.flush()
	require.Len(t, h.took(), 1)
}

func TestSensorsAreBounded(t *testing.T) {
	h := newHouse(nil)
	for i := range 2 * maxSensors {
		h.says(fmt.Sprintf("s%d", i), `{"kind":"contact","state":"open"}`)
	}
	require.Len(t, h.Status(), maxSensors)
	require.Equal(t, 1, strings.Count(h.log.String(), "too many"))
}

func TestMapped(t *testing.T) {
	h := newHouse(map[string]config.Sensor{
		"garage": {Kind: "contact", Topic: "zigbee2mqtt/garage", Availability: "zigbee2mqtt/garage/availability"},
		"warmth": {Kind: "temperature", Topic: "zigbee2mqtt/garage"},
		"shed":   {Kind: "contact"},
	})
	h.mapped("zigbee2mqtt/garage", []byte(`{"contact":false,"temperature":4.5,"battery":90}`))
	require.ElementsMatch(t, []string{wire("garage", "contact", "open", t0), wire("warmth", "temperature", "4.5", t0)}, h.took())
	h.mapped("zigbee2mqtt/garage", []byte(`{"contact":false,"temperature":4.6}`))
	require.Equal(t, []string{wire("warmth", "temperature", "4.6", t0.Add(time.Millisecond))}, h.took())

	h.says("shed", "ON")
	require.Equal(t, []string{wire("shed", "contact", "open", t0)}, h.took(), "simple words on its own topic")
	h.says("garage", `{"kind":"contact","state":"closed"}`)
	require.Empty(t, h.took(), "it speaks elsewhere")

	h.available("zigbee2mqtt/garage/availability", []byte("what"))
	h.now = t0.Add(time.Second)
	h.available("zigbee2mqtt/garage/availability", []byte("online"))
	require.Empty(t, h.took(), "it was not away")
	h.available("zigbee2mqtt/garage/availability", []byte(`{"state":"offline"}`))
	require.Equal(t, []string{wire("garage", "contact", "unavailable", h.now)}, h.took())
	require.False(t, h.Status()[0].Available)
	h.now = t0.Add(2 * time.Second)
	h.available("zigbee2mqtt/garage/availability", []byte(`online`))
	require.Equal(t, []string{wire("garage", "contact", "open", h.now)}, h.took())
	require.True(t, h.Status()[0].Available)
}

func TestSilence(t *testing.T) {
	h := newHouse(map[string]config.Sensor{"door": {Kind: "contact", Timeout: time.Hour}, "mute": {Kind: "contact"}})
	require.Equal(t, []Status{
		{Sensor: event.Sensor{Name: "door", Kind: event.Contact}}, {Sensor: event.Sensor{Name: "mute", Kind: event.Contact}},
	}, h.Status())
	h.says("door", "open")
	h.took()
	h.now = t0.Add(time.Hour)
	h.tick()
	require.Empty(t, h.took())
	h.now = t0.Add(61 * time.Minute)
	h.tick()
	require.Equal(t, []string{wire("door", "contact", "unavailable", h.now)}, h.took())
	require.Equal(t, t0, h.Status()[0].LastSeen)
	h.now = t0.Add(2 * time.Hour)
	h.tick()
	require.Empty(t, h.took(), "once")
	h.says("door", "open")
	require.Equal(t, []string{wire("door", "contact", "open", h.now)}, h.took())
}

func TestAFullDiskIsSaid(t *testing.T) {
	h := newHouse(nil)
	h.full = true
	h.says("door", `{"kind":"contact","state":"open"}`)
	require.Contains(t, h.log.String(), "disk full")
	h.full = false
	h.says("door", `{"kind":"contact","state":"closed"}`)
	require.Len(t, h.took(), 1)
}

// bus is one in memory, for one process.
type bus struct {
	mu        sync.Mutex
	handlers  map[string]func(topic string, payload []byte) // by filter
	published chan string
	broken    error
}

func newBus() *bus {
	return &bus{handlers: map[string]func(string, []byte){}, published: make(chan string, 100)}
}

func (b *bus) Subscribe(ctx context.Context, filter string, handle func(string, []byte), ready func()) {
	b.mu.Lock()
	b.handlers[filter] = handle
	b.mu.Unlock()
	if ready != nil {
		ready()
	}
	<-ctx.Done()
}

func (b *bus) Publish(_ context.Context, topic string, payload []byte) error {
	b.published <- topic + " " + string(payload)
	return b.broken
}

// send waits for a subscription of filter and says something to it.
func (b *bus) send(t *testing.T, filter, topic, payload string) {
	t.Helper()
	var handle func(string, []byte)
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		handle = b.handlers[filter]
		return handle != nil
	}, 30*time.Second, time.Millisecond)
	handle(topic, []byte(payload))
}

func TestRun(t *testing.T) {
	lan, pubsub, cloud := newBus(), newBus(), newBus()
	lan.broken = errors.New("nobody is there")
	put := make(chan string, 100)
	b := New(Config{
		Thing: "home", Buses: []Bus{lan, pubsub}, Cloud: cloud, Log: slog.New(slog.DiscardHandler),
		Sensors: map[string]config.Sensor{
			"garage": {Kind: "contact", Topic: "zigbee2mqtt/garage", SetTopic: "zigbee2mqtt/garage/set", Availability: "z/a"},
			"own":    {Kind: "contact", Topic: "porchlight/v1/home/sensors/own"},
		},
		Put: func(topic string, _ []byte) error { put <- topic; return nil },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); b.Run(ctx) }()
	defer func() { cancel(); <-done }()

	lan.send(t, "porchlight/v1/home/sensors/+", "porchlight/v1/home/sensors/a", `{"kind":"contact","state":"open"}`)
	require.Equal(t, "porchlight/v1/home/sensors/a", <-put)
	pubsub.send(t, "porchlight/v1/home/sensors/+", "porchlight/v1/home/sensors/own", `open`)
	require.Equal(t, "porchlight/v1/home/sensors/own", <-put)
	lan.send(t, "zigbee2mqtt/garage", "zigbee2mqtt/garage", `{"contact":true}`)
	require.Equal(t, "porchlight/v1/home/sensors/garage", <-put)
	lan.send(t, "z/a", "z/a", "offline")
	require.Equal(t, "porchlight/v1/home/sensors/garage", <-put)

	const updates = "porchlight/v1/home/sensors/+/set"
	for _, bad := range []string{"", "ON", "[1]", "null", `{"x":"` + strings.Repeat("x", 4<<10) + `"}`} {
		cloud.send(t, updates, "porchlight/v1/home/sensors/siren/set", bad)
	}
	cloud.send(t, updates, "porchlight/v1/away/sensors/siren/set", `{}`)
	cloud.send(t, updates, "porchlight/v1/home/sensors/siren/set", `{"on":true}`)
	cloud.send(t, updates, "porchlight/v1/home/sensors/garage/set", `{"state":"CLOSE"}`)
	for garage, bus := range map[string]*bus{"zigbee2mqtt/garage": lan, "porchlight/v1/home/sensors/garage": pubsub} {
		require.Equal(t, `porchlight/v1/home/sensors/siren/set {"on":true}`, <-bus.published)
		require.Equal(t, garage+`/set {"state":"CLOSE"}`, <-bus.published)
		require.Empty(t, bus.published)
	}
	for range 100 {
		cloud.send(t, updates, "porchlight/v1/home/sensors/siren/set", `{"on":true}`)
	}
	require.LessOrEqual(t, len(lan.published), 2*atOnce, "updates are bounded")
}

// Whatever devices say, what goes on is valid and bounded.
func FuzzBridge(f *testing.F) {
	f.Fuzz(func(t *testing.T, topic string, payload []byte, topic2 string, payload2 []byte) {
		h := newHouse(map[string]config.Sensor{"m": {Kind: "contact", Topic: "m", Availability: "a"}})
		for range 3 {
			h.spoke(topic, payload)
			h.spoke(topic2, payload2)
			h.mapped("m", payload)
			h.available("a", payload2)
			h.update(t.Context(), topic, payload)
			h.now = h.now.Add(time.Second)
			h.tick()
		}
		for _, put := range h.took() {
			name, body, _ := strings.Cut(put, " ")
			if _, err := event.ParseSensor(name, []byte(body), time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
