package signaling

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
)

const (
	// maxPayload is how many characters the service takes as a payload, base64.
	maxPayload = 10_000
	// maxFrame bounds what is read from the service as one message, in bytes.
	maxFrame = 64 << 10
	// maxReason bounds what is kept of an explanation, in bytes.
	maxReason = 512
)

// idPattern is how clients and messages may be called.
var idPattern = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,256}$`)

// outgoing is what the service takes
// (https://docs.aws.amazon.com/kinesisvideostreams-webrtc-dg/latest/devguide/SendSdpOffer.html).
type outgoing struct {
	Action            Kind   `json:"action"`
	MessagePayload    string `json:"messagePayload"`
	RecipientClientID string `json:"recipientClientId,omitempty"`
	CorrelationID     string `json:"correlationId,omitempty"`
}

// incoming is what the service sends
// (https://docs.aws.amazon.com/kinesisvideostreams-webrtc-dg/latest/devguide/async-message-reception-api.html).
type incoming struct {
	SenderClientID string          `json:"senderClientId"`
	MessageType    Kind            `json:"messageType"`
	MessagePayload string          `json:"messagePayload"`
	StatusResponse *statusResponse `json:"statusResponse"`
}

type statusResponse struct {
	CorrelationID string          `json:"correlationId"`
	ErrorType     string          `json:"errorType"`
	StatusCode    json.RawMessage `json:"statusCode"` // a string by the documents, a number by some SDKs
	Description   string          `json:"description"`
}

// encode writes a message for the service. It fails with ErrMessage.
func encode(m Message, role Role) ([]byte, error) {
	out := outgoing{Action: m.Kind, CorrelationID: m.CorrelationID, MessagePayload: base64.StdEncoding.EncodeToString(m.Payload)}
	switch {
	case m.Kind != Offer && m.Kind != Answer && m.Kind != Candidate:
		return nil, fmt.Errorf("%w: %q is not sent by clients", ErrMessage, m.Kind)
	case role == Master && !idPattern.MatchString(m.Client):
		return nil, fmt.Errorf("%w: a master has to say which viewer it is for", ErrMessage)
	case role == Viewer && m.Client != "":
		return nil, fmt.Errorf("%w: a viewer reaches the master alone", ErrMessage)
	case m.CorrelationID != "" && !idPattern.MatchString(m.CorrelationID):
		return nil, fmt.Errorf("%w: its correlation id takes 1 to 256 letters, digits, dots, dashes and underscores", ErrMessage)
	case len(m.Payload) == 0:
		return nil, fmt.Errorf("%w: it is empty", ErrMessage)
	case len(out.MessagePayload) > maxPayload:
		return nil, fmt.Errorf("%w: %d bytes are more than the service takes; offer fewer codecs", ErrMessage, len(m.Payload))
	}
	out.RecipientClientID = m.Client
	return json.Marshal(out)
}

// parse reads a message of the service. It fails with ErrMessage: the service
// does send what is empty or no message, and later ones may be sound.
func parse(raw []byte) (Message, error) {
	var in incoming
	if err := json.Unmarshal(raw, &in); err != nil {
		return Message{}, fmt.Errorf("%w: it is not JSON", ErrMessage)
	}
	m := Message{Client: in.SenderClientID, Kind: in.MessageType}
	if m.Client != "" && !idPattern.MatchString(m.Client) {
		return Message{}, fmt.Errorf("%w: its sender's id is not one", ErrMessage)
	}
	switch in.MessageType {
	case goAway, RenewICE:
		return m, nil
	case Refused:
		if s := in.StatusResponse; s != nil {
			m.CorrelationID = s.CorrelationID
			m.Reason = s.ErrorType + ": " + s.Description
			m.Reason = m.Reason[:min(len(m.Reason), maxReason)]
		}
		return m, nil
	case Offer, Answer, Candidate:
	default:
		return Message{}, fmt.Errorf("%w: its kind is unknown", ErrMessage)
	}
	payload, err := base64.StdEncoding.DecodeString(in.MessagePayload)
	if err != nil || !json.Valid(payload) {
		return Message{}, fmt.Errorf("%w: its payload is not JSON in base64", ErrMessage)
	}
	m.Payload = payload
	return m, nil
}
