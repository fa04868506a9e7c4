package homeassistant

import (
	"porchlight/internal/event"
)

const valueTopic = "value"

func (h *Home) sensorID(name string) string { return deviceID(h.cfg.Thing, "sensor", name) }

// Sensor tells what a sensor says, and announces the sensor at first.
func (h *Home) Sensor(s event.Sensor) {
	if s.Validate() != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	id := h.sensorID(s.Name)
	if h.sensors[s.Name] != s.Kind {
		h.sensors[s.Name] = s.Kind
		h.announceSensor(id, s)
	}
	if s.State == event.SensorUnavailable {
		h.out.keep(h.cfg.Topic(id, availableTopic), []byte(offline))
		return
	}
	h.out.keep(h.cfg.Topic(id, valueTopic), []byte(s.State))
	h.out.keep(h.cfg.Topic(id, availableTopic), []byte(online))
}

func (h *Home) announceSensor(id string, s event.Sensor) {
	c := component{UniqueID: id + "_value", StateTopic: h.cfg.Topic(id, valueTopic)}
	c.DeviceClass, c.Unit = deviceClass(s.Kind)
	switch {
	case s.Kind.Measures():
		c.Platform, c.StateClass = "sensor", "measurement"
	case s.Kind == event.Contact:
		c.Platform, c.PayloadOn, c.PayloadOff = "binary_sensor", event.SensorOpen, event.SensorClosed
	default:
		c.Platform, c.PayloadOn, c.PayloadOff = "binary_sensor", event.SensorDetected, event.SensorClear
	}
	h.announce(id, announcement{
		Device:       device{Name: title(s.Name), Model: modelSensor, Serial: h.cfg.Thing + "/" + s.Name, Via: h.gateway},
		Availability: h.availabilities(h.cfg.Topic(id, availableTopic)),
		Components:   map[string]component{valueTopic: c},
	})
}

// deviceClass is Home Assistant's word for a kind, and the unit of one that
// measures: https://www.home-assistant.io/integrations/binary_sensor/#device-class,
// https://www.home-assistant.io/integrations/sensor/#device-class.
func deviceClass(kind event.SensorKind) (class, unit string) {
	switch kind {
	case event.Contact:
		return "opening", ""
	case event.Water:
		return "moisture", ""
	case event.Glass:
		return "safety", ""
	case event.Temperature:
		return string(kind), "°C"
	case event.Humidity:
		return string(kind), "%"
	}
	return string(kind), "" // motion, smoke, gas, vibration
}
