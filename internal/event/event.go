package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// MaxPayload is the largest MQTT payload, in bytes, that a device sends.
// Greengrass nucleus lite hands on no more than this from IoT Core.
const MaxPayload = 5000

// State of an event.
type State string

// The states of an event, in order.
const (
	Started State = "started"
	Updated State = "updated"
	Ended   State = "ended"
)

// Severity of an event: whether its owner wants to be told, or only to find
// it. It may rise from detection to alert while the event is open, never fall.
type Severity string

// The severities. An event of before there were any has none.
const (
	Alert  Severity = "alert"
	Notice Severity = "detection"
)

// Errors that Validate and Marshal return, wrapped with what was wrong.
var (
	ErrInvalid  = errors.New("invalid event")
	ErrTooLarge = errors.New("payload too large")
)

// Event is what a person would call one happening at one camera. Deliveries
// may repeat and arrive in any order: a consumer keeps, for each EventID, the
// one with the highest Sequence.
type Event struct {
	EventID      string             `json:"event_id"` // ULID, its time is StartedAt
	Sequence     int                `json:"sequence"` // 1 for started, then up by one
	State        State              `json:"state"`
	Camera       string             `json:"camera"` // <thing>.<name>
	StartedAt    Time               `json:"started_at"`
	UpdatedAt    Time               `json:"updated_at"`
	EndedAt      *Time              `json:"ended_at,omitempty"` // present once State is ended
	Labels       map[string]float64 `json:"labels"`             // best score of each label seen
	Severity     Severity           `json:"severity,omitempty"`
	Zones        []string           `json:"zones"`              // that an object has entered
	Appeared     []string           `json:"appeared,omitempty"` // zones in which a thing was left
	Removed      []string           `json:"removed,omitempty"`  // zones from which a thing was taken
	Score        float64            `json:"score"`              // of the best picture
	Box          Box                `json:"box"`                // in the best picture
	ThumbnailKey string             `json:"thumbnail_key,omitempty"`
	Faces        []Face             `json:"faces"`
	Clip         *Clip              `json:"clip,omitempty"`
	Model        string             `json:"model"` // detector that saw it
}

// Face is a recognised face; Name is empty for a stranger.
type Face struct {
	Name     string  `json:"name"`
	Distance float64 `json:"distance"`
}

// Clip says where the video of the event is: a KVS stream and a time range.
type Clip struct {
	Stream string `json:"stream"`
	From   Time   `json:"from"`
	To     Time   `json:"to"`
}

// Marshal validates the event and returns its wire form. It fails with
// ErrInvalid or, over MaxPayload bytes, with ErrTooLarge.
func (e *Event) Marshal() ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	payload, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("%w: event %s is %d bytes, the limit is %d", ErrTooLarge, e.EventID, len(payload), MaxPayload)
	}
	return payload, nil
}

// Parse reads and validates an event's wire form. Unknown fields are
// accepted, so that newer devices can talk to an older cloud.
func Parse(payload []byte) (*Event, error) {
	var e Event
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	return &e, nil
}

// Time is an instant that travels as RFC 3339 in UTC with milliseconds.
type Time struct{ time.Time }

// timeLayout always prints three decimals, so that texts sort like times.
const timeLayout = "2006-01-02T15:04:05.000Z"

// At returns t as it would come back from the wire: UTC, whole milliseconds.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// String returns the wire form.
func (t Time) String() string { return t.UTC().Format(timeLayout) }

// MarshalJSON writes the wire form.
func (t Time) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// UnmarshalJSON reads any RFC 3339 time.
func (t *Time) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	v, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return fmt.Errorf("time %q: want RFC 3339, like 2026-05-04T03:02:01.000Z", clipText(s))
	}
	*t = At(v)
	return nil
}

// clipText keeps hostile input from filling a log line.
func clipText(s string) string {
	const most = 80
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
