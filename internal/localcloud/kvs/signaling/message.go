package signaling

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
)

// Kinds of message.
const (
	offer        = "SDP_OFFER"
	answer       = "SDP_ANSWER"
	candidate    = "ICE_CANDIDATE"
	goAway       = "GO_AWAY"
	statusReport = "STATUS_RESPONSE"
)

// request is what a client sends
// (https://docs.aws.amazon.com/kinesisvideostreams-webrtc-dg/latest/devguide/SendSdpOffer.html).
type request struct {
	Action            string `json:"action"`
	MessagePayload    string `json:"messagePayload"`
	RecipientClientID string `json:"recipientClientId"`
	CorrelationID     string `json:"correlationId"`
}

// event is what a client receives
// (https://docs.aws.amazon.com/kinesisvideostreams-webrtc-dg/latest/devguide/async-message-reception-api.html).
type event struct {
	SenderClientID string  `json:"senderClientId,omitempty"`
	MessageType    string  `json:"messageType"`
	MessagePayload string  `json:"messagePayload,omitempty"`
	StatusResponse *status `json:"statusResponse,omitempty"`

	raw string // sent as it is instead, when not empty
}

// status says what became of a message that could not be taken.
type status struct {
	CorrelationID string `json:"correlationId"`
	ErrorType     string `json:"errorType"`
	StatusCode    string `json:"statusCode"`
	Description   string `json:"description"`
}

// errNoMessage means that something is no message at all, so that there is
// nobody to answer.
var errNoMessage = errors.New("not a message")

// refusal is why a message is not taken.
type refusal struct{ kind, text string }

func (r *refusal) Error() string { return r.kind + ": " + r.text }

func refused(format string, args ...any) error {
	return &refusal{"InvalidArgumentException", fmt.Sprintf(format, args...)}
}

// idPattern is how clients and messages may be called.
var idPattern = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,256}$`)

// parseRequest reads what a client sent. The request is good for its
// correlation id even where it is refused.
func parseRequest(raw []byte, master bool, payload int) (request, error) {
	var r request
	if err := json.Unmarshal(raw, &r); err != nil {
		return request{}, fmt.Errorf("%w: %w", errNoMessage, err)
	}
	if r.CorrelationID != "" && !idPattern.MatchString(r.CorrelationID) {
		r.CorrelationID = ""
		return r, refused("correlationId takes 1 to 256 letters, digits, dots, dashes and underscores")
	}
	switch {
	case r.Action != offer && r.Action != answer && r.Action != candidate:
		return r, refused("action must be %s, %s or %s", offer, answer, candidate)
	case master && !idPattern.MatchString(r.RecipientClientID):
		return r, refused("recipientClientId must name the viewer that a master's message is for")
	case r.MessagePayload == "":
		return r, refused("messagePayload is empty")
	case len(r.MessagePayload) > payload:
		return r, refused("messagePayload has %d characters: %d are allowed", len(r.MessagePayload), payload)
	}
	if _, err := base64.StdEncoding.DecodeString(r.MessagePayload); err != nil {
		return r, refused("messagePayload is not base64")
	}
	if !master {
		r.RecipientClientID = "" // viewers reach the master alone, whatever they say
	}
	return r, nil
}

// statusOf is the answer to a message that was refused, nil where none is due.
func statusOf(r request, err error) *event {
	var no *refusal
	if r.CorrelationID == "" || !errors.As(err, &no) {
		return nil
	}
	return &event{MessageType: statusReport, StatusResponse: &status{r.CorrelationID, no.kind, "400", no.text}}
}
