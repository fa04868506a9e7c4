package greengrass

import (
	"encoding/json"
	"fmt"
	"strings"

	"porchlight/internal/greengrass/wire"
)

// errorText bounds what of an answer gets into an error, in bytes.
const errorText = 512

// answerError is the error that a message says, nil for one that is none.
func answerError(operation string, m wire.Message) error {
	switch m.Type {
	case wire.ApplicationMessage:
		return nil
	case wire.ApplicationError:
		return applicationError(operation, m)
	case wire.ProtocolError:
		return &RemoteError{Operation: operation, Message: clip(string(m.Payload)), kind: ErrProtocol}
	case wire.InternalError:
		return &RemoteError{Operation: operation, Message: clip(string(m.Payload)), kind: ErrInternal}
	}
	return fmt.Errorf("%w: %s was answered with message type %d", ErrProtocol, operation, m.Type)
}

// applicationError reads the four forms that the nuclei use: a modeled error, with its name
// in the header and in the payload; an unknown operation on Java, without a
// name; an exception on Java, as text; anything else.
func applicationError(operation string, m wire.Message) error {
	var body struct {
		Code    string `json:"_errorCode"`
		Message string `json:"_message"`
		Text    string `json:"message"`
		Error   string `json:"error"`
	}
	if json.Unmarshal(m.Payload, &body) != nil {
		return &RemoteError{Operation: operation, Message: clip(string(m.Payload)), kind: ErrInternal}
	}
	e := &RemoteError{Operation: operation, Code: clip(body.Code), Message: clip(body.Message)}
	if e.Code == "" {
		e.Code = clip(m.Shape())
	}
	if e.Message == "" {
		e.Message = clip(body.Text)
	}
	e.kind = sentinel(e.Code)
	switch {
	case e.kind != nil:
	case strings.EqualFold(body.Error, "Unsupported Operation"):
		e.kind = ErrUnsupported
	default:
		e.kind = ErrService
		if e.Message == "" {
			e.Message = clip(string(m.Payload))
		}
	}
	return e
}

func clip(text string) string {
	if len(text) > errorText {
		text = text[:errorText]
	}
	return strings.ToValidUTF8(text, "?")
}
