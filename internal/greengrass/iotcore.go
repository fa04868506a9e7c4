package greengrass

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// QoS is the quality of service between the nucleus and IoT Core.
type QoS int

// IoT Core knows no QoS 2.
const (
	AtMostOnce QoS = iota
	AtLeastOnce
)

func (q QoS) valid() bool { return q == AtMostOnce || q == AtLeastOnce }

// MarshalText writes the digit that the service model wants.
func (q QoS) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d", int(q)), nil }

// Limits of IoT Core.
const (
	largestPayload = 128 << 10 // bytes
	longestTopic   = 256       // bytes
	mostSlashes    = 7
	basicIngest    = "$aws/rules/" // $aws/rules/RULE/ does not count against the other two
)

// UserProperty is one MQTT 5 user property.
type UserProperty struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// IoTCoreMessage is a message to or from IoT Core. Topic and Payload work on
// both nuclei; nucleus lite ignores the rest.
type IoTCoreMessage struct {
	Topic           string
	Payload         []byte // at most 128 KiB; on nucleus lite about 7200 bytes out, 4900 in
	Retain          bool
	UserProperties  []UserProperty
	ExpirySeconds   int64 // 0: never
	CorrelationData []byte
	ResponseTopic   string
	PayloadFormat   string // BYTES or UTF8
	ContentType     string
}

type mqttMessage struct {
	Topic           string         `json:"topicName"`
	Payload         []byte         `json:"payload"`
	Retain          bool           `json:"retain,omitempty"`
	UserProperties  []UserProperty `json:"userProperties,omitempty"`
	ExpirySeconds   int64          `json:"messageExpiryIntervalSeconds,omitempty"`
	CorrelationData []byte         `json:"correlationData,omitempty"`
	ResponseTopic   string         `json:"responseTopic,omitempty"`
	PayloadFormat   string         `json:"payloadFormat,omitempty"`
	ContentType     string         `json:"contentType,omitempty"`
}

// PublishToIoTCore hands a message to the nucleus. The Java nucleus spools it
// while it is offline; nucleus lite, which keeps at most ten unacknowledged
// messages, then answers ErrService: spool what must not be lost.
func (c *Client) PublishToIoTCore(ctx context.Context, m IoTCoreMessage, qos QoS) error {
	const operation = "PublishToIoTCore"
	if err := checkPublish(m, qos); err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	_, err := call[nothing](ctx, c, operation, struct {
		mqttMessage
		QoS QoS `json:"qos"`
	}{mqttMessage(m), qos})
	return err
}

// checkPublish refuses what IoT Core would: it disconnects who sends it.
func checkPublish(m IoTCoreMessage, qos QoS) error {
	counted := m.Topic
	if rest, isRule := strings.CutPrefix(m.Topic, basicIngest); isRule {
		_, counted, _ = strings.Cut(rest, "/")
	}
	switch {
	case m.Topic == "" || strings.ContainsAny(m.Topic, "+#"):
		return fmt.Errorf("%w: topic %q; name one, without + #", ErrInvalidArguments, m.Topic)
	case len(counted) > longestTopic || strings.Count(counted, "/") > mostSlashes:
		return fmt.Errorf("%w: topic %q; at most %d bytes and %d slashes", ErrInvalidArguments, m.Topic, longestTopic, mostSlashes)
	case !qos.valid():
		return fmt.Errorf("%w: QoS %d; IoT Core knows 0 and 1", ErrInvalidArguments, qos)
	case len(m.Payload) > largestPayload:
		return fmt.Errorf("%w: a payload of %d bytes, IoT Core takes %d", ErrTooLarge, len(m.Payload), largestPayload)
	}
	return nil
}

// SubscribeToIoTCore receives messages from IoT Core. filter may have the
// wildcards + and #. A message may come twice and out of order.
func (c *Client) SubscribeToIoTCore(ctx context.Context, filter string, qos QoS) (*Subscription[IoTCoreMessage], error) {
	const operation = "SubscribeToIoTCore"
	if filter == "" || !qos.valid() {
		return nil, fmt.Errorf("%s: %w: topic %q with QoS %d; name a topic, and 0 or 1", operation, ErrInvalidArguments, filter, qos)
	}
	return subscribe(ctx, c, operation, struct {
		Topic string `json:"topicName"`
		QoS   QoS    `json:"qos"`
	}{filter, qos}, decodeIoTCoreMessage, nil)
}

func decodeIoTCoreMessage(payload []byte) (IoTCoreMessage, error) {
	var event struct {
		Message *mqttMessage `json:"message"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return IoTCoreMessage{}, fmt.Errorf("%w: an IoT Core message: %w", ErrProtocol, err)
	}
	if event.Message == nil {
		return IoTCoreMessage{}, fmt.Errorf("%w: an IoT Core message without one", ErrProtocol)
	}
	return IoTCoreMessage(*event.Message), nil
}
