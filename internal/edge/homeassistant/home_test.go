package homeassistant_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/homeassistant"
	"porchlight/internal/event"
)

func TestAnnouncements(t *testing.T) {
	b := broker(t)
	a := watch(t, b)
	h, _ := start(t, b, settings("front-door"))
	for i, kind := range event.SensorKinds() {
		state := map[bool]string{true: "21.5", false: event.SensorClear}[kind.Measures()]
		if kind == event.Contact {
			state = event.SensorClosed
		}
		h.Sensor(sensor(fmt.Sprintf("s%d", i), kind, state))
	}
	require.Eventually(t, func() bool { return len(a.configs()) == 2+len(event.SensorKinds()) }, patience, time.Millisecond)
	ids := map[string]bool{}
	for topic, payload := range a.configs() {
		valid(t, payload)
		var c struct {
			Device     struct{ Identifiers []string }
			Components map[string]struct {
				ID string `json:"unique_id"`
			}
		}
		require.NoError(t, json.Unmarshal([]byte(payload), &c))
		require.Equal(t, "homeassistant/device/"+c.Device.Identifiers[0]+"/config", topic)
		require.Regexp(t, `^[a-zA-Z0-9_-]+$`, c.Device.Identifiers[0])
		for _, component := range c.Components {
			require.False(t, ids[component.ID], "%s twice", component.ID)
			ids[component.ID] = true
		}
		for name, pattern := range map[string]string{
			"gateway": `_home_[0-9a-f]{8}/config$`, "camera": `_camera_front-door_[0-9a-f]{8}/config$`,
			"contact": `_sensor_s0_`, "temperature": `_sensor_s7_`,
		} {
			if regexp.MustCompile(pattern).MatchString(topic) {
				golden(t, name, payload)
			}
		}
	}
}

func TestTheSchemaObjects(t *testing.T) {
	for _, payload := range []string{
		`{}`, `{"dev":{"ids":["a"],"name":"a"},"o":{"name":"a"},"cmps":{"a":{"p":"switch"}}}`,
		`{"device":{"identifiers":["a"],"name":"a"},"origin":{"name":"a"},"components":{"a":{"platform":"switch","unique_id":"a","name":"a","state_topic":"a"}}}`,
		`{"device":{"identifiers":["a"],"name":"a"},"origin":{"name":"a"},"components":{"a":{"platform":"image","unique_id":"a","name":"a","image_topic":"a/#"}}}`,
	} {
		failed := &testing.T{}
		done := make(chan struct{})
		go func() { defer close(done); valid(failed, payload) }()
		<-done
		require.True(t, failed.Failed(), payload)
	}
}

func TestIDsAreStableAndTheirOwn(t *testing.T) {
	b := broker(t)
	a := watch(t, b)
	cfg := settings("a_b", "a", "c")
	start(t, b, cfg)
	cfg.Thing, cfg.Cameras = "home_camera_a", []string{"b"}
	start(t, b, cfg)
	require.Eventually(t, func() bool { return len(a.configs()) == 6 }, patience, time.Millisecond, "%v", a.configs())
}

// happening is a state of an event of the camera front-door.
func happening(id string, sequence int, state event.State, severity event.Severity, labels ...string) event.Event {
	e := event.Event{
		EventID: id, Sequence: sequence, State: state, Camera: "home.front-door", StartedAt: event.At(t0), UpdatedAt: event.At(t0),
		Labels: map[string]float64{}, Severity: severity, Zones: []string{"porch"}, Score: 0.9, Model: "yolox-nano",
		Faces: []event.Face{{Name: "Ada", Distance: 0.2}, {Distance: 0.9}},
	}
	for i, label := range labels {
		e.Labels[label] = 0.9 - float64(i)/10
	}
	return e
}

func TestEvents(t *testing.T) {
	b := broker(t)
	a := watch(t, b)
	h, _ := start(t, b, settings("front-door"))
	a.becomes(t, "/person", "OFF")
	id, later := event.NewID(t0), event.NewID(t0.Add(time.Hour))

	h.Event(happening(id, 1, event.Started, event.Notice, "car"), []byte("a car"))
	a.becomes(t, "/vehicle", "ON")
	a.becomes(t, "/picture", "a car")
	require.Equal(t, "OFF", a.state("/person"))
	h.Event(happening(id, 2, event.Updated, event.Alert, "person", "car", "umbrella"), nil)
	a.becomes(t, "/person", "ON")
	h.Event(happening(id, 3, event.Updated, event.Alert, "person", "car"), []byte("a person"))
	a.becomes(t, "/picture", "a person")
	h.Event(happening(id, 2, event.Updated, event.Alert, "dog"), nil) // late
	h.Event(happening(id, 4, event.Ended, event.Alert, "person", "car"), nil)
	a.becomes(t, "/person", "OFF")
	a.becomes(t, "/vehicle", "OFF")
	require.Equal(t, "a person", a.state("/picture"), "the picture stays")
	require.Equal(t, "OFF", a.state("/animal"))

	h.Event(happening(later, 1, event.Started, event.Alert, "cat"), make([]byte, 60<<10+1))
	a.becomes(t, "/animal", "ON")
	h.Event(happening(id, 9, event.Updated, event.Alert, "person"), nil) // an older event
	h.Event(event.Event{EventID: later, Camera: "home.gone"}, nil)
	h.Event(event.Event{EventID: later, Camera: "away.front-door"}, nil)
	h.Event(event.Event{EventID: later, Camera: "what"}, nil)
	h.Event(happening(later, 2, event.Ended, event.Alert, "cat"), nil)
	a.becomes(t, "/animal", "OFF")
	require.Equal(t, "a person", a.state("/picture"), "too large a picture is none")
	require.Eventually(t, func() bool { a.mu.Lock(); defer a.mu.Unlock(); return len(a.events) == 2 }, patience, time.Millisecond)
	require.JSONEq(t, `{"event_type":"person","event_id":"`+id+`","camera":"home.front-door","started_at":"2026-05-04T03:02:01.000Z",
		"labels":["car","person","umbrella"],"zones":["porch"],"faces":["Ada"],"score":0.9}`, a.events[0])
	require.Contains(t, a.events[1], `"event_type":"animal"`)
}

func TestStatus(t *testing.T) {
	b := broker(t)
	a := watch(t, b)
	h, _ := start(t, b, settings("front-door", "back"))
	is := func(name string, state event.CameraState, message string) event.CameraStatus {
		return event.CameraStatus{Camera: "home." + name, State: state, Message: message}
	}
	h.Status(event.Status{Cameras: []event.CameraStatus{
		is("front-door", event.CameraFailed, "no route"), is("back", event.CameraRunning, ""), is("gone", event.CameraRunning, ""), {Camera: "x"},
	}})
	front, back := camera(t, a, "front-door"), camera(t, a, "back")
	a.becomes(t, front+"/state", "failed")
	a.becomes(t, front+"/message", `{"message":"no route"}`)
	a.becomes(t, back+"/state", "running")
	a.becomes(t, back+"/privacy", "OFF")
	h.Event(happening(event.NewID(t0), 1, event.Started, event.Alert, "person"), nil)
	a.becomes(t, front+"/person", "ON")
	h.Status(event.Status{Cameras: []event.CameraStatus{is("front-door", event.CameraPrivate, "")}})
	a.becomes(t, front+"/privacy", "ON")
	a.becomes(t, front+"/person", "OFF")
	h.Status(event.Status{Cameras: []event.CameraStatus{is("front-door", "dancing", "")}})
	h.Status(event.Status{Cameras: []event.CameraStatus{is("front-door", event.CameraRunning, "")}})
	a.becomes(t, front+"/state", "running")
	a.becomes(t, front+"/privacy", "OFF")
}

// camera returns the id of a camera's device.
func camera(t *testing.T, a *assistant, name string) (id string) {
	t.Helper()
	pattern := regexp.MustCompile(`device/(porchlight_home_camera_` + name + `_[0-9a-f]{8})/config`)
	require.Eventually(t, func() bool {
		for topic := range a.configs() {
			if m := pattern.FindStringSubmatch(topic); m != nil {
				id = m[1]
			}
		}
		return id != ""
	}, patience, time.Millisecond)
	return id
}

func TestPrivacyIsCommanded(t *testing.T) {
	b := broker(t)
	a := watch(t, b)
	cfg, asked := settings("front-door"), make(chan string, 10)
	cfg.SetPrivacy = func(camera string, on bool) error {
		asked <- fmt.Sprint(camera, on)
		return map[bool]error{false: errors.New("the disk is full")}[on]
	}
	start(t, b, cfg)
	front := camera(t, a, "front-door")
	a.becomes(t, front+"/privacy", "OFF")
	command := func(device, payload string) {
		require.NoError(t, b.Publish(t.Context(), topics(device, "privacy")+"/set", []byte(payload), false))
	}
	// The subscription may not stand yet: asked again until it does.
	require.Eventually(t, func() bool { command(front, "ON"); return len(asked) > 0 }, patience, 5*time.Millisecond)
	require.Equal(t, "home.front-doortrue", <-asked)
	command(front, "maybe")
	command("porchlight_home_camera_gone_00000000", "ON")
	command(front, "OFF")
	for got := <-asked; got != "home.front-doorfalse"; got = <-asked {
		require.Equal(t, "home.front-doortrue", got, "asked more than once above")
	}
	require.Equal(t, "OFF", a.state(front+"/privacy"), "it is told once the camera is so")
}

func TestWithoutSetPrivacyThereIsNoSwitch(t *testing.T) {
	b := broker(t)
	a := watch(t, b)
	cfg := settings("front-door")
	cfg.SetPrivacy = nil
	start(t, b, cfg)
	front := camera(t, a, "front-door")
	payload := a.configs()["homeassistant/device/"+front+"/config"]
	valid(t, payload)
	require.NotContains(t, payload, "switch")
	require.Empty(t, a.state("/privacy"))
}

func TestSensorsAreTold(t *testing.T) {
	b := broker(t)
	a := watch(t, b)
	h, _ := start(t, b, settings())
	h.Sensor(sensor("door", event.Contact, event.SensorOpen))
	a.becomes(t, "/value", "open")
	a.becomes(t, "/available", "online")
	h.Sensor(sensor("door", event.Contact, event.SensorUnavailable))
	a.becomes(t, "/available", "offline")
	require.Equal(t, "open", a.state("/value"))
	h.Sensor(sensor("door", event.Contact, event.SensorClosed))
	a.becomes(t, "/value", "closed")
	a.becomes(t, "/available", "online")
	h.Sensor(event.Sensor{Name: "x"})
	h.Sensor(sensor("door", event.Motion, event.SensorDetected))
	a.becomes(t, "/value", "detected")
	require.Len(t, a.configs(), 2)
}

// Home Assistant was away, and forgot: all is said again when it is back.
func TestItIsSaidAgain(t *testing.T) {
	b := broker(t)
	a := watch(t, b)
	start(t, b, settings("front-door"))
	camera(t, a, "front-door")
	a.becomes(t, "/person", "OFF")
	a.mu.Lock()
	clear(a.retained)
	a.mu.Unlock()
	require.Eventually(t, func() bool { // the subscription may not stand yet
		require.NoError(t, b.Publish(t.Context(), "homeassistant/status", []byte("online"), false))
		return len(a.configs()) == 2 && a.state("/person") == "OFF"
	}, patience, 20*time.Millisecond)
}

func TestGoneCamerasAreTakenOut(t *testing.T) {
	b := broker(t)
	a := watch(t, b)
	h, stop := start(t, b, settings("front-door", "back"))
	camera(t, a, "back")
	a.becomes(t, "/availability", "online")
	h.SetCameras([]string{"front-door"})
	require.Eventually(t, func() bool { return len(a.configs()) == 2 }, patience, time.Millisecond)
	require.Eventually(t, func() bool { return !a.mentions("_back_") }, patience, time.Millisecond, "nothing is left of it")
	stop()
	a.becomes(t, "/availability", "offline")

	// While it was off, a camera has gone; another gateway's and another
	// system's devices are none of its business.
	foreign := map[string]string{
		"homeassistant/device/zigbee/config":       `{"device":{"identifiers":["zigbee"]},"origin":{"name":"Zigbee2MQTT"}}`,
		"homeassistant/device/porchlight_x/config": `{"device":{"model":"Camera","serial_number":"away.front"},"origin":{"name":"Porchlight"}}`,
		"homeassistant/device/porchlight_y/config": `{"device":{"model":"Camera","serial_number":"home.gone"},"origin":{"name":"Porchlight"}}`,
		"homeassistant/device/no_object/config":    `[]`,
		"homeassistant/device/porchlight_s/config": `{"device":{"model":"Sensor","serial_number":"home.front"},"origin":{"name":"Porchlight"}}`,
	}
	for topic, payload := range foreign {
		require.NoError(t, b.Publish(t.Context(), topic, []byte(payload), true))
	}
	start(t, b, settings("side"))
	camera(t, a, "side")
	require.Eventually(t, func() bool { return len(a.configs()) == 2+len(foreign) }, patience, time.Millisecond, "%v", a.configs())
	for topic, payload := range foreign {
		require.Equal(t, payload, a.configs()[topic])
	}
}

// flaky is a broker that takes nothing at first, and one topic never.
type flaky struct {
	homeassistant.Bus
	never   string
	down    chan struct{}
	refused chan struct{}
}

func (f flaky) Publish(ctx context.Context, topic string, payload []byte, retain bool) error {
	select {
	case <-f.down:
	default:
		return errors.New("not connected")
	}
	if strings.HasSuffix(topic, f.never) {
		select {
		case f.refused <- struct{}{}:
		default:
		}
		return errors.New("too large for this broker")
	}
	return f.Bus.Publish(ctx, topic, payload, retain)
}

func TestABrokerThatRefuses(t *testing.T) {
	b := broker(t)
	a := watch(t, b)
	bus := flaky{b, "/state", make(chan struct{}), make(chan struct{}, 1)}
	h, _ := start(t, bus, settings("front-door"))
	h.Event(happening(event.NewID(t0), 1, event.Started, event.Alert, "person"), nil)
	close(bus.down)
	a.becomes(t, "/person", "ON")
	<-bus.refused
	h.Event(happening(event.NewID(t0.Add(time.Hour)), 1, event.Started, event.Alert, "dog"), nil)
	a.becomes(t, "/animal", "ON")
	require.Empty(t, a.state("/state"))
}
