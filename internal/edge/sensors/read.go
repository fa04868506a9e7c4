package sensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/event"
)

// Errors of reading a message.
var (
	// ErrMessage means that a message cannot be understood.
	ErrMessage = errors.New("sensor's message")
	// errSilent means that a message says nothing of what is sensed, such as
	// one about the battery.
	errSilent = errors.New("nothing is said of what is sensed")
)

// maxMessage is the most bytes of a message that is read.
const maxMessage = 16 << 10

// mapping reads the messages of one configured sensor.
type mapping struct {
	name   string
	kind   event.SensorKind
	fields []string          // paths to look for, the first that is there counts
	states map[string]string // words of its own, in lower case
}

func newMapping(name string, s config.Sensor) mapping {
	m := mapping{name: name, kind: event.SensorKind(s.Kind), fields: []string{s.Field}, states: map[string]string{}}
	if s.Field == "" {
		m.fields = usualFields(m.kind)
	}
	for word, state := range s.States {
		m.states[strings.ToLower(word)] = state
	}
	return m
}

// usualFields are Porchlight's own and those of Zigbee2MQTT:
// https://www.zigbee2mqtt.io/supported-devices/.
func usualFields(kind event.SensorKind) []string {
	also := map[event.SensorKind]string{event.Motion: "occupancy", event.Water: "water_leak"}
	fields := []string{"state", string(kind)}
	if other, ok := also[kind]; ok {
		fields = append(fields, other)
	}
	return fields
}

// read returns the state that a message tells, and when it became so where the
// message says.
func (m mapping) read(payload []byte) (state string, at time.Time, err error) {
	if len(payload) > maxMessage {
		return "", at, fmt.Errorf("%w: %d bytes, the limit is %d", ErrMessage, len(payload), maxMessage)
	}
	payload = bytes.TrimSpace(payload)
	if !bytes.HasPrefix(payload, []byte("{")) {
		state, err = m.state("", plain(payload))
		return state, at, err
	}
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return "", at, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	if decoder.More() {
		return "", at, fmt.Errorf("%w: something follows the object", ErrMessage)
	}
	if text, ok := object["at"].(string); ok {
		at, _ = time.Parse(time.RFC3339Nano, text) // else it is of now
	}
	for _, field := range m.fields {
		if value, last, ok := find(object, field); ok {
			state, err = m.state(last, value)
			return state, at, err
		}
	}
	return "", at, errSilent
}

// plain turns a message that is no object into what it says.
func plain(payload []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) == nil && !decoder.More() {
		return value
	}
	return string(payload)
}

// find follows a path like a.b. last is the name of the field at its end.
func find(object map[string]any, path string) (value any, last string, ok bool) {
	for {
		name, rest, more := strings.Cut(path, ".")
		value, ok = object[name]
		if !ok || value == nil {
			return nil, name, false
		}
		if !more {
			return value, name, true
		}
		if object, ok = value.(map[string]any); !ok {
			return nil, name, false
		}
		path = rest
	}
}

// state finds the state that a value stands for. field is where it was.
func (m mapping) state(field string, value any) (string, error) {
	var text string
	switch v := value.(type) {
	case string:
		text = strings.TrimSpace(v)
	case json.Number:
		text = v.String()
	case bool:
		text = strconv.FormatBool(v)
	default:
		return "", fmt.Errorf("%w: field %q is neither a text, a number nor true or false", ErrMessage, clip(field))
	}
	if state, ok := m.states[strings.ToLower(text)]; ok {
		return state, nil
	}
	if strings.EqualFold(text, event.SensorUnavailable) {
		return event.SensorUnavailable, nil
	}
	var state string
	var ok bool
	switch {
	case m.kind.Measures():
		var number float64
		if number, ok = parseNumber(text); ok {
			state = event.SensorNumber(number)
		}
	case m.kind == event.Contact:
		state, ok = contact(field, strings.ToLower(text))
	default:
		state, ok = detected(strings.ToLower(text))
	}
	if !ok || m.kind.ValidateState(state) != nil {
		return "", fmt.Errorf("%w: %q is no state of a %s sensor that is known: say under states what it means", ErrMessage, clip(text), m.kind)
	}
	return state, nil
}

func parseNumber(text string) (float64, bool) {
	number, err := strconv.ParseFloat(text, 64)
	return number, err == nil
}

// contact understands the usual words. Of a contact, true means that its parts
// touch; elsewhere true is not understood, for it could mean either.
func contact(field, word string) (state string, ok bool) {
	switch word {
	case "open", "opened", "on":
		return event.SensorOpen, true
	case "closed", "close", "off":
		return event.SensorClosed, true
	}
	closed := map[string]string{"contact": "true", "closed": "true", "open": "false", "opened": "false"}[field]
	if closed == "" || word != "true" && word != "false" {
		return "", false
	}
	if word == closed {
		return event.SensorClosed, true
	}
	return event.SensorOpen, true
}

func detected(word string) (state string, ok bool) {
	switch word {
	case "detected", "on", "true", "1", "yes", "alarm", "motion", "occupied", "wet", "leak", "smoke", "gas", "broken":
		return event.SensorDetected, true
	case "clear", "off", "false", "0", "no", "normal", "idle", "unoccupied", "dry", "none", "ok":
		return event.SensorClear, true
	}
	return "", false
}

// online reads a message of an availability topic: online or offline, also as
// the state of an object, as Zigbee2MQTT sends it.
func online(payload []byte) (is, ok bool) {
	text := strings.TrimSpace(string(payload))
	var object struct {
		State string `json:"state"`
	}
	if json.Unmarshal(payload, &object) == nil && object.State != "" {
		text = object.State
	}
	switch strings.ToLower(strings.Trim(text, `"`)) {
	case "online":
		return true, true
	case "offline":
		return false, true
	}
	return false, false
}

// clip keeps hostile words from filling the log.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
