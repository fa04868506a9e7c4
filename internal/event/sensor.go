package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SensorKind says what a sensor senses, and with it which states it has.
type SensorKind string

// The kinds of sensors. A contact is open or closed; temperature in degrees
// Celsius and humidity in percent are numbers; all others detect or are clear.
const (
	Contact     SensorKind = "contact"
	Motion      SensorKind = "motion"
	Smoke       SensorKind = "smoke"
	Gas         SensorKind = "gas"
	Water       SensorKind = "water"
	Glass       SensorKind = "glass" // breaking
	Vibration   SensorKind = "vibration"
	Temperature SensorKind = "temperature"
	Humidity    SensorKind = "humidity"
)

// SensorKinds returns all kinds.
func SensorKinds() []SensorKind {
	return []SensorKind{Contact, Motion, Smoke, Gas, Water, Glass, Vibration, Temperature, Humidity}
}

// The states of sensors that do not measure.
const (
	SensorOpen        = "open"
	SensorClosed      = "closed"
	SensorDetected    = "detected"
	SensorClear       = "clear"
	SensorUnavailable = "unavailable" // of any kind: nothing is known of it
)

// MaxSensorState is the most bytes of a state.
const MaxSensorState = 32

// Sensor is what a sensor of a thing last said. Its name is the last level of
// its topic.
type Sensor struct {
	Name  string     `json:"-"`
	Kind  SensorKind `json:"kind"`
	State string     `json:"state"`
	At    Time       `json:"at"` // when it became so
}

// Measures says whether the states of the kind are numbers.
func (k SensorKind) Measures() bool { return k == Temperature || k == Humidity }

// Validate reports, wrapped in ErrInvalid, the first thing that makes the
// sensor's message unfit for the wire.
func (s *Sensor) Validate() error {
	if !namePattern.MatchString(s.Name) {
		return fmt.Errorf("%w: sensor %q: want 1 to 64 of A-Z a-z 0-9 _ -", ErrInvalid, clipText(s.Name))
	}
	if err := s.Kind.ValidateState(s.State); err != nil {
		return fmt.Errorf("%w: sensor %s: %w", ErrInvalid, s.Name, err)
	}
	if s.At.IsZero() {
		return fmt.Errorf("%w: sensor %s: at must be set", ErrInvalid, s.Name)
	}
	return nil
}

// ValidateState reports whether state is one of the kind, and whether the kind
// is one.
func (k SensorKind) ValidateState(state string) error {
	if !slices.Contains(SensorKinds(), k) {
		return fmt.Errorf("kind %q: must be one of %v", clipText(string(k)), SensorKinds())
	}
	if state == SensorUnavailable {
		return nil
	}
	switch {
	case k.Measures():
		if len(state) > MaxSensorState || !numberPattern.MatchString(state) {
			return fmt.Errorf("state %q: a %s is a number", clipText(state), k)
		}
	case k == Contact:
		if state != SensorOpen && state != SensorClosed {
			return fmt.Errorf("state %q: a contact is open or closed", clipText(state))
		}
	case state != SensorDetected && state != SensorClear:
		return fmt.Errorf("state %q: a %s sensor says detected or clear", clipText(state), k)
	}
	return nil
}

// Marshal validates the sensor and returns its wire form.
func (s *Sensor) Marshal() ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return json.Marshal(s)
}

// numberPattern takes plain decimal numbers, up to five digits before the point.
var numberPattern = regexp.MustCompile(`^-?[0-9]{1,5}(\.[0-9]+)?$`)

// SensorNumber returns v as the state of a kind that measures, in hundredths.
func SensorNumber(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100+0, 'f', -1, 64)
}

// errNull is a null where a value must be.
var errNull = errors.New("null is not a sensor's message")

// ParseSensor reads and validates the wire form of what a sensor says. A
// message without at is of the time it was received. A number is taken as a
// state like the text of it.
func ParseSensor(name string, payload []byte, received time.Time) (*Sensor, error) {
	var wire *struct {
		Kind  SensorKind      `json:"kind"`
		State json.RawMessage `json:"state"`
		At    *Time           `json:"at"`
	}
	err := json.Unmarshal(payload, &wire)
	if err == nil && wire == nil {
		err = errNull
	}
	if err != nil {
		return nil, fmt.Errorf("%w: sensor %q: %w", ErrInvalid, clipText(name), err)
	}
	s := &Sensor{Name: name, Kind: wire.Kind, At: At(received)}
	if wire.At != nil {
		s.At = *wire.At
	}
	var number float64
	if json.Unmarshal(wire.State, &s.State) != nil && json.Unmarshal(wire.State, &number) == nil {
		s.State = SensorNumber(number)
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return s, nil
}

// The levels of a sensor's topics after the thing.
const (
	sensorsLevel = "sensors"
	setLevel     = "set"
)

// SensorTopic returns porchlight/v1/<thing>/sensors/<sensor>. The sensor "+"
// makes the filter of all.
func SensorTopic(thing, sensor string) string {
	return TopicPrefix + "/" + thing + "/" + sensorsLevel + "/" + sensor
}

// SensorSetTopic returns porchlight/v1/<thing>/sensors/<sensor>/set, on which
// a sensor is told what to do.
func SensorSetTopic(thing, sensor string) string { return SensorTopic(thing, sensor) + "/" + setLevel }

// SplitSensorTopic is the inverse of SensorTopic.
func SplitSensorTopic(topic string) (thing, sensor string, err error) {
	rest, ok := strings.CutPrefix(topic, TopicPrefix+"/")
	levels := strings.Split(rest, "/")
	if !ok || len(levels) != 3 || levels[1] != sensorsLevel || ValidateThing(levels[0]) != nil || !namePattern.MatchString(levels[2]) {
		return "", "", fmt.Errorf("topic %q: want %s/<thing>/%s/<sensor>", clipText(topic), TopicPrefix, sensorsLevel)
	}
	return levels[0], levels[2], nil
}

// SplitSensorSetTopic is the inverse of SensorSetTopic.
func SplitSensorSetTopic(topic string) (thing, sensor string, err error) {
	base, ok := strings.CutSuffix(topic, "/"+setLevel)
	if thing, sensor, err = SplitSensorTopic(base); !ok || err != nil {
		return "", "", fmt.Errorf("topic %q: want %s", clipText(topic), SensorSetTopic("<thing>", "<sensor>"))
	}
	return thing, sensor, nil
}
