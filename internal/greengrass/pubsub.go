package greengrass

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// ReceiveMode says whether a component hears its own local messages.
type ReceiveMode string

// Receive modes. Left empty, the Java nucleus takes MessagesFromOthers for
// filters with wildcards; nucleus lite ignores the mode and delivers all, so a
// portable component recognizes its own messages itself.
const (
	AllMessages        ReceiveMode = "RECEIVE_ALL_MESSAGES"
	MessagesFromOthers ReceiveMode = "RECEIVE_MESSAGES_FROM_OTHERS"
)

// PublishToTopicRequest is a message to the components of the same core.
// Exactly one of Binary and JSON is given.
type PublishToTopicRequest struct {
	Topic string // without the wildcards + # *
	// Binary is any bytes, and the form to prefer for JSON too: at most
	// about 7200 of them pass nucleus lite.
	Binary []byte
	// JSON is an object. On nucleus lite one of more than 23 keys, or as few
	// as five detections, silently ends the receivers' subscriptions.
	JSON json.RawMessage
}

type blob struct {
	Message []byte `json:"message"`
}

type document struct {
	Message json.RawMessage `json:"message"`
}

type publishMessage struct {
	Binary *blob     `json:"binaryMessage,omitempty"`
	JSON   *document `json:"jsonMessage,omitempty"`
}

// PublishToTopic publishes a local message.
func (c *Client) PublishToTopic(ctx context.Context, r PublishToTopicRequest) error {
	const operation = "PublishToTopic"
	var message publishMessage
	switch {
	case r.Topic == "" || strings.ContainsAny(r.Topic, "+#*"):
		return fmt.Errorf("%s: %w: topic %q; name one, without + # *", operation, ErrInvalidArguments, r.Topic)
	case (r.Binary == nil) == (r.JSON == nil):
		return fmt.Errorf("%s: %w: give either a binary or a JSON message", operation, ErrInvalidArguments)
	case r.Binary != nil:
		message.Binary = &blob{r.Binary}
	default:
		var object map[string]json.RawMessage
		if err := json.Unmarshal(r.JSON, &object); err != nil || object == nil {
			return fmt.Errorf("%s: %w: a JSON message must be an object", operation, ErrInvalidArguments)
		}
		message.JSON = &document{r.JSON}
	}
	_, err := call[nothing](ctx, c, operation, struct {
		Topic   string         `json:"topic"`
		Message publishMessage `json:"publishMessage"`
	}{r.Topic, message})
	return err
}

// SubscribeToTopicRequest names the local messages to receive.
type SubscribeToTopicRequest struct {
	Filter string // a topic, with the wildcards + and #
	Mode   ReceiveMode
}

// TopicMessage is a local message.
type TopicMessage struct {
	Topic   string
	Payload []byte // as published; the JSON text of a JSON message
	JSON    bool   // it was published as a JSON message
}

// SubscribeToTopic receives local messages.
func (c *Client) SubscribeToTopic(ctx context.Context, r SubscribeToTopicRequest) (*Subscription[TopicMessage], error) {
	const operation = "SubscribeToTopic"
	if r.Filter == "" {
		return nil, fmt.Errorf("%s: %w: name a topic", operation, ErrInvalidArguments)
	}
	return subscribe(ctx, c, operation, struct {
		Topic string      `json:"topic"`
		Mode  ReceiveMode `json:"receiveMode,omitempty"`
	}{r.Filter, r.Mode}, decodeTopicMessage, nil)
}

func decodeTopicMessage(payload []byte) (TopicMessage, error) {
	type from struct {
		Context struct {
			Topic string `json:"topic"`
		} `json:"context"`
	}
	var event struct {
		Binary *struct {
			blob
			from
		} `json:"binaryMessage"`
		JSON *struct {
			document
			from
		} `json:"jsonMessage"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return TopicMessage{}, fmt.Errorf("%w: a local message: %w", ErrProtocol, err)
	}
	switch {
	case event.Binary != nil:
		return TopicMessage{Topic: event.Binary.Context.Topic, Payload: event.Binary.Message}, nil
	case event.JSON != nil:
		return TopicMessage{Topic: event.JSON.Context.Topic, Payload: event.JSON.Message, JSON: true}, nil
	}
	return TopicMessage{}, fmt.Errorf("%w: a local message that is neither binary nor JSON", ErrProtocol)
}
