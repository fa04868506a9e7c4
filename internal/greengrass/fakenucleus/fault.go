package fakenucleus

import (
	"encoding/json"

	"porchlight/internal/greengrass/wire"
)

// ModeledError is an error of the service model.
type ModeledError struct {
	Code    string // such as ServiceError
	Message string
}

func (f ModeledError) Error() string { return f.Code + ": " + f.Message }

// Fault is what happens to a request instead of being handled. The first field
// that is set counts.
type Fault struct {
	Error   *ModeledError // it is answered
	Message *wire.Message // it is answered, on the request's stream
	Drop    bool          // the connection is cut; else there is no answer at all
}

// Exception is how the Java nucleus answers when it fails unexpectedly.
func Exception() Fault {
	return Fault{Message: &wire.Message{
		Type: wire.ApplicationError, Flags: wire.TerminateStream, ContentType: "text/plain", Payload: []byte("InternalServerError"),
	}}
}

// Inject lets the next requests of an operation meet these faults, one each.
func (n *Nucleus) Inject(operation string, faults ...Fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults[operation] = append(n.faults[operation], faults...)
}

func (n *Nucleus) nextFault(operation string) (Fault, bool) {
	waiting := n.faults[operation]
	if len(waiting) == 0 {
		return Fault{}, false
	}
	n.faults[operation] = waiting[1:]
	return waiting[0], true
}

func (n *Nucleus) misbehave(r call, fault Fault) bool {
	switch {
	case fault.Error != nil:
		n.fail(r, *fault.Error)
	case fault.Message != nil:
		m := *fault.Message
		m.Stream = r.stream
		r.conn.send(m)
	case fault.Drop:
		r.conn.cut()
		return false
	}
	return true
}

// fail answers an error.
func (n *Nucleus) fail(r call, f ModeledError) {
	body := map[string]string{"_message": f.Message, "_errorCode": f.Code}
	if n.cfg.Kind == Java {
		body["_service"] = "aws.greengrass#GreengrassCoreIPC"
		body["message"] = f.Message
	}
	n.sendError(r, wire.Namespace+f.Code, body)
}

// unsupported answers an operation that the nucleus does not know.
func (n *Nucleus) unsupported(r call, name string) {
	if n.cfg.Kind == Lite {
		n.fail(r, ModeledError{Code: "ServiceError"})
		return
	}
	n.sendError(r, "", map[string]string{"error": "Unsupported Operation", "message": name + " is not a supported operation"})
}

func (n *Nucleus) sendError(r call, model string, body map[string]string) {
	payload, err := json.Marshal(body)
	if err != nil {
		r.conn.cut()
		return
	}
	r.conn.send(wire.Message{
		Type: wire.ApplicationError, Flags: wire.TerminateStream, Stream: r.stream,
		Model: model, ContentType: wire.JSON, Payload: payload,
	})
}

// denial is what accessControl lacks.
type denial struct{ operation, resource string }

// Deny lets an operation on a resource (a topic or filter, a thing, a secret) be answered
// with UnauthorizedError.
func (n *Nucleus) Deny(operation, resource string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.denied[denial{operation, resource}] = true
}

// Allow takes a Deny back, as a deployment does that completes accessControl.
func (n *Nucleus) Allow(operation, resource string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.denied, denial{operation, resource})
}

func (n *Nucleus) authorize(r call, resource string) error {
	if n.denied[denial{r.operation, resource}] {
		return ModeledError{"UnauthorizedError", "Principal " + r.conn.component + " is not authorized to perform " + r.operation + " on resource " + resource}
	}
	return nil
}

// EndStreams ends the open subscriptions of an operation with an error.
func (n *Nucleus) EndStreams(operation string, f ModeledError) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.of(operation) {
		n.fail(call{conn: s.conn, stream: s.id, operation: operation}, f)
	}
	n.remove(func(s *stream) bool { return s.operation == operation })
}

// Protest says to every client that it broke the protocol, and hangs up.
func (n *Nucleus) Protest() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.protest()
	}
}
