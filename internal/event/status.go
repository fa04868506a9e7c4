package event

import (
	"encoding/json"
	"fmt"
)

// Presence of a thing.
type Presence string

// A thing is online while its MQTT session is up; the broker publishes
// offline for it, as its last will, when the session breaks.
const (
	Online  Presence = "online"
	Offline Presence = "offline"
)

// Status is what a thing says of itself on its status topic: whole, on every
// connect and on every change. The last will carries only State, Session and
// Version.
type Status struct {
	State    Presence       `json:"state"`
	Session  string         `json:"session"` // ULID of the MQTT session: an older session's will is stale
	Version  string         `json:"version"`
	At       Time           `json:"at"`
	Detector *Detector      `json:"detector,omitempty"`
	Cameras  []CameraStatus `json:"cameras,omitempty"`
}

// Detector names the model in use. Weak is true for the built-in people
// detector, which the app must say it is.
type Detector struct {
	Model string `json:"model"`
	Weak  bool   `json:"weak"`
}

// CameraState is what a camera is doing.
type CameraState string

// The states of a camera.
const (
	CameraConnecting CameraState = "connecting"
	CameraRunning    CameraState = "running"
	CameraFailed     CameraState = "failed"  // retried; Message says why
	CameraEnded      CameraState = "ended"   // a file that does not loop has played
	CameraPrivate    CameraState = "private" // the owner turned the camera off: its source is not even opened
)

// CameraStatus is the state of one camera of a thing.
type CameraStatus struct {
	Camera  string      `json:"camera"`
	State   CameraState `json:"state"`
	Message string      `json:"message,omitempty"` // cause and cure, no secrets
}

// Marshal returns the status' wire form, or ErrTooLarge over MaxPayload bytes.
func (s *Status) Marshal() ([]byte, error) {
	payload, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("%w: status is %d bytes, the limit is %d", ErrTooLarge, len(payload), MaxPayload)
	}
	return payload, nil
}

// ParseStatus reads and checks a status' wire form.
func ParseStatus(payload []byte) (*Status, error) {
	var s Status
	if err := json.Unmarshal(payload, &s); err != nil {
		return nil, fmt.Errorf("%w: status: %w", ErrInvalid, err)
	}
	if s.State != Online && s.State != Offline {
		return nil, fmt.Errorf("%w: status state %q: must be online or offline", ErrInvalid, clipText(string(s.State)))
	}
	if err := ValidateID(s.Session); err != nil {
		return nil, fmt.Errorf("%w: status session: %w", ErrInvalid, err)
	}
	for _, c := range s.Cameras {
		if _, _, err := SplitCamera(c.Camera); err != nil {
			return nil, fmt.Errorf("%w: status: %w", ErrInvalid, err)
		}
	}
	return &s, nil
}
