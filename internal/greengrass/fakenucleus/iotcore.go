package fakenucleus

import (
	"encoding/json"
	"errors"
	"strings"
)

// Publication is a message that IoT Core got.
type Publication struct {
	Component string
	Topic     string
	Payload   []byte
	QoS       string
	// Properties are the other fields of the request; nucleus lite drops them.
	Properties map[string]any
}

// broker is IoT Core as the nucleus sees it.
type broker struct {
	offline   bool
	held      bool // acknowledgments are
	inFlight  int
	bytes     int
	spool     []Publication
	spooled   int // bytes
	published []Publication
}

// javaSpool is what the Java nucleus keeps while it is offline, in bytes.
const javaSpool = 2_500_000

// iotLimit is the largest payload that IoT Core takes, in bytes.
const iotLimit = 128 << 10

func (n *Nucleus) publishToIoTCore(r call) (any, error) {
	q, err := parse[struct {
		Topic           string           `json:"topicName"`
		QoS             string           `json:"qos"`
		Payload         []byte           `json:"payload"`
		Retain          *bool            `json:"retain"`
		UserProperties  []map[string]any `json:"userProperties"`
		Expiry          *int64           `json:"messageExpiryIntervalSeconds"`
		CorrelationData []byte           `json:"correlationData"`
		ResponseTopic   string           `json:"responseTopic"`
		PayloadFormat   string           `json:"payloadFormat"`
		ContentType     string           `json:"contentType"`
	}](r.body)
	if err != nil {
		return nil, err
	}
	if err := n.authorize(r, q.Topic); err != nil {
		return nil, err
	}
	if q.Topic == "" || strings.ContainsAny(q.Topic, "+#") || q.QoS != "0" && q.QoS != "1" || len(q.Payload) > iotLimit {
		return nil, errors.New("topicName without wildcards, qos 0 or 1, a payload of at most 128 KiB")
	}
	p := Publication{Component: r.conn.component, Topic: q.Topic, Payload: q.Payload, QoS: q.QoS}
	if n.cfg.Kind == Lite {
		return nothing{}, n.publishLite(p)
	}
	if err := json.Unmarshal(r.body, &p.Properties); err != nil {
		return nil, err
	}
	for _, key := range []string{"topicName", "qos", "payload"} {
		delete(p.Properties, key)
	}
	n.publishJava(p)
	return nothing{}, nil
}

// publishJava spools while offline, and then forgets QoS 0.
func (n *Nucleus) publishJava(p Publication) {
	switch {
	case !n.broker.offline:
		n.publish(p)
	case p.QoS == "1" && n.broker.spooled+len(p.Payload) <= javaSpool:
		n.broker.spool = append(n.broker.spool, p)
		n.broker.spooled += len(p.Payload)
	}
}

// publishLite has no spool, and a short window.
func (n *Nucleus) publishLite(p Publication) error {
	b := &n.broker
	full := p.QoS == "1" && (b.inFlight+1 > liteInFlight || b.bytes+len(p.Payload) > liteInFlightBytes)
	if b.offline || full {
		return ModeledError{"ServiceError", "Failed to publish the message."}
	}
	if b.held && p.QoS == "1" {
		b.inFlight++
		b.bytes += len(p.Payload)
	}
	n.publish(p)
	return nil
}

func (n *Nucleus) publish(p Publication) {
	n.broker.published = append(n.broker.published, p)
	n.deliverRemote(p.Topic, p.Payload, p.Properties)
}

// Published is what IoT Core got, oldest first.
func (n *Nucleus) Published() []Publication {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Publication{}, n.broker.published...)
}

// SetOnline connects the nucleus to IoT Core or cuts it off.
func (n *Nucleus) SetOnline(online bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.broker.offline = !online
	if online {
		spool := n.broker.spool
		n.broker.spool, n.broker.spooled = nil, 0
		for _, p := range spool {
			n.publish(p)
		}
	}
}

// HoldAcknowledgments makes IoT Core slow, or no longer.
func (n *Nucleus) HoldAcknowledgments(hold bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.broker.held = hold
	if !hold {
		n.broker.inFlight, n.broker.bytes = 0, 0
	}
}

func (n *Nucleus) subscribeToIoTCore(r call) (any, error) {
	q, err := parse[struct {
		Topic string `json:"topicName"`
		QoS   string `json:"qos"`
	}](r.body)
	if err != nil {
		return nil, err
	}
	if err := n.authorize(r, q.Topic); err != nil {
		return nil, err
	}
	if q.Topic == "" || q.QoS != "0" && q.QoS != "1" {
		return nil, errors.New("topicName and qos 0 or 1")
	}
	n.open(r, stream{filter: q.Topic})
	return nothing{}, nil
}

// Deliver sends a message from IoT Core. properties are further fields of it.
func (n *Nucleus) Deliver(topic string, payload []byte, properties map[string]any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deliverRemote(topic, payload, properties)
}

func (n *Nucleus) deliverRemote(topic string, payload []byte, properties map[string]any) {
	message := map[string]any{"topicName": topic, "payload": payload}
	for key, value := range properties {
		message[key] = value
	}
	for _, s := range n.of("SubscribeToIoTCore") {
		if !matches(s.filter, topic) {
			continue
		}
		if n.cfg.Kind == Lite && len(payload) > liteInbound {
			s.deaf = true
		}
		n.event(s, "IoTCoreMessage", map[string]any{"message": message}, false)
	}
}
