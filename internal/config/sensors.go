package config

import (
	"slices"
	"strings"
	"time"

	"porchlight/internal/event"
)

// Sensor says how the messages of one sensor are read. Sensors that send
// Porchlight's own form need none.
type Sensor struct {
	Kind         string            `config:"kind"`         // contact, motion, smoke, …
	Topic        string            `config:"topic"`        // where it speaks; empty: its topic of Porchlight
	Field        string            `config:"field"`        // of a JSON message, like contact or state.open; empty: the usual one of the kind
	States       map[string]string `config:"states"`       // what it says → state; empty: the usual words
	SetTopic     string            `config:"set_topic"`    // where it is told what to do; empty: its topic of Porchlight
	Availability string            `config:"availability"` // topic that says online or offline; empty: none
	Timeout      time.Duration     `config:"timeout"`      // unavailable after this long without a word; 0: never
}

// HomeAssistant says whether cameras and sensors are told to Home Assistant,
// by MQTT discovery on the LAN.
type HomeAssistant struct {
	Enabled bool   `config:"enabled"`
	Prefix  string `config:"prefix"` // of its discovery topics
}

// Bounds of the sensors.
const (
	mostSensors = 128
	mostStates  = 16
	mostTimeout = 30 * 24 * time.Hour
)

func (c *Config) validateSensors(path string) error {
	if len(c.Sensors) > mostSensors {
		return bad(path, "%d sensors: want at most %d", len(c.Sensors), mostSensors)
	}
	for _, name := range sortedKeys(c.Sensors) {
		if !nameOfOurs(name) {
			return bad(path, "the name %q: want 1 to 64 of A-Z a-z 0-9 _ -", brief(name))
		}
		if err := c.Sensors[name].validate(join(path, name)); err != nil {
			return err
		}
	}
	return nil
}

func (s Sensor) validate(path string) error {
	kind := event.SensorKind(s.Kind)
	if !slices.Contains(event.SensorKinds(), kind) {
		return bad(join(path, "kind"), "%q: want one of %v", brief(s.Kind), event.SensorKinds())
	}
	for _, topic := range []struct{ key, value string }{{"topic", s.Topic}, {"set_topic", s.SetTopic}, {"availability", s.Availability}} {
		if topic.value != "" && !validTopic(topic.value) {
			return bad(join(path, topic.key), "%q: want a topic without wildcards, like zigbee2mqtt/front_door", brief(topic.value))
		}
	}
	if len(s.Field) > 128 || strings.Count(s.Field, ".") > 7 {
		return bad(join(path, "field"), "%q: want the name of a field, at most 8 levels deep", brief(s.Field))
	}
	if len(s.States) > mostStates {
		return bad(join(path, "states"), "%d states: want at most %d", len(s.States), mostStates)
	}
	for _, word := range sortedKeys(s.States) {
		if err := kind.ValidateState(s.States[word]); err != nil {
			return bad(join(path, "states."+brief(word)), "%v", err)
		}
	}
	if s.Timeout < 0 || s.Timeout > mostTimeout || s.Timeout > 0 && s.Timeout < time.Second {
		return bad(join(path, "timeout"), "%v: want 0s for never, or 1s to %v", s.Timeout, mostTimeout)
	}
	return nil
}

func (h HomeAssistant) validate(path string, lan LAN) error {
	if !validTopic(h.Prefix) || strings.HasPrefix(h.Prefix, "/") || strings.HasSuffix(h.Prefix, "/") || len(h.Prefix) > 64 {
		return bad(join(path, "prefix"), "%q: want the discovery prefix that Home Assistant is set to, which is homeassistant unless changed", brief(h.Prefix))
	}
	if level, _, _ := strings.Cut(h.Prefix, "/"); level == "porchlight" || level == "clients" {
		return bad(join(path, "prefix"), "%q: these topics are Porchlight's own", brief(h.Prefix))
	}
	if h.Enabled && lan.Listen == "" && lan.Broker == "" {
		return bad(join(path, "enabled"), "Home Assistant is reached by MQTT: set lan.listen, or lan.broker to the broker it uses")
	}
	return nil
}
