package fakenucleus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"porchlight/internal/greengrass/wire"
)

// call is a request under way. Handlers run with the nucleus's mu held.
type call struct {
	conn      *conn
	stream    int32
	operation string
	body      []byte
}

// operation of the service model.
type operation struct {
	lite   bool // nucleus lite has it
	handle func(*Nucleus, call) (answer any, err error)
	keeps  bool // it is a subscription
}

func operations() map[string]operation {
	return map[string]operation{
		"PublishToTopic":                 {lite: true, handle: (*Nucleus).publishToTopic},
		"SubscribeToTopic":               {lite: true, handle: (*Nucleus).subscribeToTopic, keeps: true},
		"PublishToIoTCore":               {lite: true, handle: (*Nucleus).publishToIoTCore},
		"SubscribeToIoTCore":             {lite: true, handle: (*Nucleus).subscribeToIoTCore, keeps: true},
		"GetConfiguration":               {lite: true, handle: (*Nucleus).getConfiguration},
		"UpdateConfiguration":            {lite: true, handle: (*Nucleus).updateConfiguration},
		"SubscribeToConfigurationUpdate": {lite: true, handle: (*Nucleus).subscribeToConfigurationUpdate, keeps: true},
		"UpdateState":                    {lite: true, handle: (*Nucleus).updateState},

		"SubscribeToComponentUpdates":             {handle: (*Nucleus).subscribeToComponentUpdates, keeps: true},
		"DeferComponentUpdate":                    {handle: (*Nucleus).deferComponentUpdate},
		"SubscribeToValidateConfigurationUpdates": {handle: (*Nucleus).subscribeToValidation, keeps: true},
		"SendConfigurationValidityReport":         {handle: (*Nucleus).sendValidityReport},
		"GetThingShadow":                          {handle: (*Nucleus).getThingShadow},
		"UpdateThingShadow":                       {handle: (*Nucleus).updateThingShadow},
		"DeleteThingShadow":                       {handle: (*Nucleus).deleteThingShadow},
		"GetSecretValue":                          {handle: (*Nucleus).getSecretValue},
	}
}

// request handles the first message of a stream; false ends the connection.
func (n *Nucleus) request(c *conn, m wire.Message) bool {
	name := strings.TrimPrefix(m.Operation, wire.Namespace)
	n.counts.Requests[name]++
	r := call{conn: c, stream: m.Stream, operation: name, body: m.Payload}
	if fault, any := n.nextFault(name); any {
		return n.misbehave(r, fault)
	}
	op, known := operations()[name]
	if !known || n.cfg.Kind == Lite && !op.lite {
		n.unsupported(r, m.Operation)
		return true
	}
	if op.keeps && n.cfg.Kind == Lite && len(n.streams) >= liteSubscriptions {
		n.fail(r, ModeledError{"ServiceError", "Failed to bind subscription"})
		return true
	}
	answer, err := op.handle(n, r)
	var failure ModeledError
	switch {
	case errors.As(err, &failure):
		n.fail(r, failure)
		return true
	case err != nil:
		n.fail(r, ModeledError{"InvalidArgumentsError", err.Error()})
		return true
	}
	payload, err := json.Marshal(answer)
	if err != nil {
		n.fail(r, ModeledError{"ServiceError", err.Error()})
		return true
	}
	reply := wire.Message{Stream: r.stream, Model: m.Operation + "Response", ContentType: wire.JSON, Payload: payload}
	// Nucleus lite leaves the flag out; both forget the stream.
	if n.cfg.Kind == Java && !op.keeps {
		reply.Flags = wire.TerminateStream
	}
	c.send(reply)
	return true
}

// parse decodes a request, strictly.
func parse[T any](body []byte) (request T, err error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return request, fmt.Errorf("request: %w", err)
	}
	return request, nil
}

// nothing is an empty request or answer.
type nothing struct{}

// open keeps a subscription; its reply is sent next, before any event.
func (n *Nucleus) open(r call, s stream) {
	s.conn, s.id, s.operation = r.conn, r.stream, r.operation
	n.streams = append(n.streams, &s)
}

// event sends to a subscription. With last it also ends the stream.
func (n *Nucleus) event(s *stream, shape string, body any, last bool) {
	payload, err := json.Marshal(body)
	if err != nil || s.deaf {
		return
	}
	m := wire.Message{Stream: s.id, Model: wire.Namespace + shape, ContentType: wire.JSON, Payload: payload}
	if last {
		m.Flags = wire.TerminateStream
	}
	s.conn.send(m)
}

// of returns the subscriptions made by an operation.
func (n *Nucleus) of(operation string) (found []*stream) {
	for _, s := range n.streams {
		if s.operation == operation {
			found = append(found, s)
		}
	}
	return found
}
