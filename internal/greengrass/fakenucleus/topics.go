package fakenucleus

import (
	"encoding/json"
	"errors"
	"strings"
)

type localMessage struct {
	Message json.RawMessage `json:"message"`
}

func (n *Nucleus) publishToTopic(r call) (any, error) {
	q, err := parse[struct {
		Topic   string `json:"topic"`
		Message struct {
			JSON   *localMessage `json:"jsonMessage"`
			Binary *localMessage `json:"binaryMessage"`
		} `json:"publishMessage"`
	}](r.body)
	if err != nil {
		return nil, err
	}
	if err := n.authorize(r, q.Topic); err != nil {
		return nil, err
	}
	switch {
	case q.Topic == "" || strings.ContainsAny(q.Topic, "+#*"):
		return nil, errors.New("a topic to publish to has no wildcards")
	case (q.Message.JSON == nil) == (q.Message.Binary == nil):
		return nil, errors.New("exactly one of jsonMessage and binaryMessage")
	case q.Message.Binary != nil:
		var bytes []byte
		if err := json.Unmarshal(q.Message.Binary.Message, &bytes); err != nil {
			return nil, err
		}
		n.deliverLocal(r.conn.component, q.Topic, "binaryMessage", q.Message.Binary.Message)
		return nothing{}, nil
	}
	var object map[string]any
	if err := json.Unmarshal(q.Message.JSON.Message, &object); err != nil || object == nil {
		return nil, errors.New("a jsonMessage is an object")
	}
	if n.cfg.Kind == Lite && len(object) >= litePublishedKeys {
		return nil, ModeledError{Code: "ServiceError"}
	}
	n.deliverLocal(r.conn.component, q.Topic, "jsonMessage", q.Message.JSON.Message)
	return nothing{}, nil
}

// Publish publishes as another component would: body is the value of message,
// form is jsonMessage or binaryMessage.
func (n *Nucleus) Publish(component, topic, form string, body json.RawMessage) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deliverLocal(component, topic, form, body)
}

// PublishLast publishes and ends the streams of all who receive it.
func (n *Nucleus) PublishLast(topic string, body json.RawMessage) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.of("SubscribeToTopic") {
		if matches(s.filter, topic) {
			n.event(s, "SubscriptionResponseMessage", localEvent(topic, "jsonMessage", body), true)
			n.remove(func(other *stream) bool { return other == s })
		}
	}
}

func localEvent(topic, form string, body json.RawMessage) any {
	return map[string]any{form: map[string]any{"message": body, "context": map[string]string{"topic": topic}}}
}

func (n *Nucleus) deliverLocal(from, topic, form string, body json.RawMessage) {
	for _, s := range n.of("SubscribeToTopic") {
		if !matches(s.filter, topic) || s.others && s.conn.component == from {
			continue
		}
		if n.cfg.Kind == Lite && form == "jsonMessage" && liteSize(body) > liteReceived {
			s.deaf = true
		}
		n.event(s, "SubscriptionResponseMessage", localEvent(topic, form, body), false)
	}
}

func (n *Nucleus) subscribeToTopic(r call) (any, error) {
	q, err := parse[struct {
		Topic string `json:"topic"`
		Mode  string `json:"receiveMode"`
	}](r.body)
	if err != nil {
		return nil, err
	}
	if err := n.authorize(r, q.Topic); err != nil {
		return nil, err
	}
	if q.Topic == "" {
		return nil, errors.New("no topic")
	}
	s := stream{filter: q.Topic}
	switch q.Mode {
	case "RECEIVE_MESSAGES_FROM_OTHERS":
		s.others = true
	case "RECEIVE_ALL_MESSAGES":
	case "":
		s.others = strings.ContainsAny(q.Topic, "+#")
	default:
		return nil, errors.New("unknown receiveMode")
	}
	if n.cfg.Kind == Lite {
		s.others = false // the mode is not looked at
	}
	n.open(r, s)
	return nothing{}, nil
}

// matches as MQTT does: + is one level, # all that follow; a wildcard in the
// first level does not match a topic that begins with $.
func matches(filter, topic string) bool {
	filters, levels := strings.Split(filter, "/"), strings.Split(topic, "/")
	if strings.HasPrefix(topic, "$") && strings.ContainsAny(filters[0], "+#") {
		return false
	}
	for i, f := range filters {
		switch {
		case f == "#":
			return i < len(levels)
		case i >= len(levels) || f != "+" && f != levels[i]:
			return false
		}
	}
	return len(filters) == len(levels)
}
