package rulesql

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrPayload means that the payload is not the JSON object that the statement
// needs.
var ErrPayload = errors.New("payload is not a JSON object")

// Message is what a rule sees.
type Message struct {
	Topic    string
	Payload  []byte
	ClientID string // empty when the message did not come by MQTT
	Received time.Time
}

// Run evaluates the statement on a message whose topic matches. selected is
// false when WHERE rejects the message. out is a JSON object.
func (q *Query) Run(m Message) (out []byte, selected bool, err error) {
	r := &row{message: m}
	if err := json.Unmarshal(m.Payload, &r.fields); err != nil || r.fields == nil {
		return nil, false, ErrPayload
	}
	if q.where != nil && q.where.eval(r) != any(true) {
		return nil, false, nil
	}
	result := map[string]json.RawMessage{}
	if q.all {
		result = r.fields
	}
	type named struct {
		name  string
		value json.RawMessage
	}
	// Evaluate all before storing any: a name may hide a field of the payload.
	var chosen []named
	for _, f := range q.fields {
		value := f.value.eval(r)
		if value == nil {
			continue // undefined values are left out
		}
		b, err := json.Marshal(value)
		if err != nil {
			return nil, false, fmt.Errorf("field %s: %w", f.name, err)
		}
		chosen = append(chosen, named{f.name, b})
	}
	for _, n := range chosen {
		result[n.name] = n.value
	}
	out, err = json.Marshal(result)
	return out, true, err
}

type row struct {
	message Message
	fields  map[string]json.RawMessage
}

// expression yields a string, bool, json.Number, json.RawMessage (an object,
// an array or null) or nil for undefined.
type expression interface{ eval(*row) any }

type (
	literal    struct{ value any }
	path       []string
	wholeTopic struct{}
	topicLevel int
	timestamp  struct{}
	clientID   struct{}
	negation   struct{ of expression }
	logical    struct {
		or          bool
		left, right expression
	}
	comparison struct {
		operator    string
		left, right expression
	}
)

func (l literal) eval(*row) any    { return l.value }
func (wholeTopic) eval(r *row) any { return r.message.Topic }

func (n topicLevel) eval(r *row) any {
	levels := strings.Split(r.message.Topic, "/")
	if int(n) > len(levels) {
		return nil
	}
	return levels[n-1]
}

// timestamp is in milliseconds since 1970.
func (timestamp) eval(r *row) any {
	return json.Number(strconv.FormatInt(r.message.Received.UnixMilli(), 10))
}

func (clientID) eval(r *row) any {
	if r.message.ClientID == "" {
		return "n/a" // AWS's value for messages that did not come by MQTT
	}
	return r.message.ClientID
}

func (p path) eval(r *row) any {
	fields := r.fields
	for i, name := range p {
		raw, ok := fields[name]
		if !ok {
			return nil
		}
		if i == len(p)-1 {
			return scalar(raw)
		}
		fields = nil
		if json.Unmarshal(raw, &fields) != nil {
			return nil
		}
	}
	return nil
}

// scalar keeps numbers as they were written.
func scalar(raw json.RawMessage) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	switch v.(type) {
	case string, bool, json.Number:
		return v
	}
	return raw
}

func (n negation) eval(r *row) any {
	if b, ok := n.of.eval(r).(bool); ok {
		return !b
	}
	return nil
}

func (l logical) eval(r *row) any {
	a, ok1 := l.left.eval(r).(bool)
	b, ok2 := l.right.eval(r).(bool)
	if !ok1 || !ok2 {
		return nil
	}
	if l.or {
		return a || b
	}
	return a && b
}
