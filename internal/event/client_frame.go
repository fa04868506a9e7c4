package event

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// ClientFrameTopics is the filter of the topics on which client devices
// publish frames for face recognition; the last level is the device's name.
const ClientFrameTopics = "clients/+"

// MaxClientFrame is the largest message with a frame, in bytes: what brokers
// of gateways take.
const MaxClientFrame = 1 << 20

// ClientFrame is a frame that a client device wants its faces recognised in,
// in the form of the public project
// https://github.com/Sujith-the-great/aws-iot-greengrass-face-recognition.
type ClientFrame struct {
	RequestID string
	Filename  string // may be empty
	Image     []byte // JPEG
}

// ParseClientFrame reads a frame's wire form. It fails with ErrInvalid or
// ErrTooLarge; when only the picture is at fault the frame is returned too,
// so that its sender can be answered.
func ParseClientFrame(payload []byte) (*ClientFrame, error) {
	if len(payload) > MaxClientFrame {
		return nil, fmt.Errorf("%w: client frame is %d bytes, the limit is %d", ErrTooLarge, len(payload), MaxClientFrame)
	}
	var wire struct {
		Encoded   string `json:"encoded"`
		RequestID string `json:"request_id"`
		Filename  string `json:"filename"`
	}
	if err := json.Unmarshal(payload, &wire); err != nil {
		return nil, fmt.Errorf("%w: client frame: %w", ErrInvalid, err)
	}
	if err := validateRequest(wire.RequestID, wire.Filename); err != nil {
		return nil, err
	}
	f := &ClientFrame{RequestID: wire.RequestID, Filename: wire.Filename}
	image, err := base64.StdEncoding.DecodeString(wire.Encoded)
	switch {
	case err != nil:
		return f, fmt.Errorf("%w: client frame: encoded is not base64: %w", ErrInvalid, err)
	case len(image) == 0:
		return f, fmt.Errorf("%w: client frame: encoded is empty: want a JPEG in base64", ErrInvalid)
	}
	f.Image = image
	return f, nil
}

// ClientOf returns the name of the device that a frame's topic names.
func ClientOf(topic string) (name string, ok bool) {
	name, ok = strings.CutPrefix(topic, "clients/")
	return name, ok && name != "" && !strings.Contains(name, "/")
}
