package jobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// Request is what a topic asks for.
type Request struct {
	thing, job string // job is empty where the topic has none
	op         string
	topic      string
}

// Operations, as topics name them.
const (
	opGet       = "get"
	opStartNext = "start-next"
	opUpdate    = "update"
)

// ParseTopic tells which request is published on a topic; false means that the
// topic is not one that takes requests about jobs.
func ParseTopic(topic string) (Request, bool) {
	rest, ok := strings.CutPrefix(topic, "$aws/things/")
	if !ok {
		return Request{}, false
	}
	parts := strings.Split(rest, "/")
	if len(parts) < 3 || parts[0] == "" || parts[1] != "jobs" {
		return Request{}, false
	}
	r := Request{thing: parts[0], op: parts[len(parts)-1], topic: topic}
	switch {
	case len(parts) == 3:
		return r, r.op == opGet || r.op == opStartNext
	case len(parts) == 4 && parts[2] != "":
		r.job = parts[2]
		return r, r.op == opGet || r.op == opUpdate
	}
	return Request{}, false
}

// answer is every answer by MQTT.
type answer struct {
	*pendingAnswer
	Code           string          `json:"code,omitempty"`
	Message        string          `json:"message,omitempty"`
	Execution      *executionData  `json:"execution,omitempty"`
	ExecutionState *executionState `json:"executionState,omitempty"`
	JobDocument    any             `json:"jobDocument,omitempty"`
	Timestamp      int64           `json:"timestamp"`
	ClientToken    string          `json:"clientToken,omitempty"`
}

// Handle answers a request that came by MQTT: on the accepted or rejected topic
// below the one it came on, with its QoS.
func (s *Service) Handle(r Request, payload []byte, qos byte) {
	token, err := readToken(payload)
	var out answer
	if err == nil {
		out, err = s.serve(r, payload)
	}
	outcome := "/accepted"
	if err != nil {
		refusal := s.refusal(r.topic, err)
		out = answer{Code: refusal.Code, Message: refusal.Message, ExecutionState: refusal.State}
		outcome = "/rejected"
	}
	out.Timestamp, out.ClientToken = s.cfg.Now().Unix(), token
	if message, err := encode(out); err == nil {
		s.cfg.Publish(r.topic+outcome, message, qos)
	}
}

func (s *Service) serve(r Request, payload []byte) (out answer, err error) {
	execution := func(f found) {
		out.Execution = f.data
		if f.data != nil && f.document != "" {
			out.Execution.JobDocument = embedded(f.document)
		}
	}
	switch {
	case r.job == "" && r.op == opGet:
		var pending pendingAnswer
		pending, err = s.getPending(r.thing)
		out.pendingAnswer = &pending
	case r.op == opStartNext:
		var in startRequest
		var f found
		if err = read(payload, &in); err == nil {
			f, err = s.startNext(r.thing, in)
		}
		execution(f)
	case r.op == opGet:
		var in describeRequest
		var f found
		if err = read(payload, &in); err == nil {
			f, err = s.describe(r.thing, r.job, in)
		}
		execution(f)
	case r.op == opUpdate:
		var in updateRequest
		var u updated
		if err = read(payload, &in); err == nil {
			u, err = s.update(r.thing, r.job, in)
		}
		out.ExecutionState = u.state
		if u.document != "" {
			out.JobDocument = embedded(u.document)
		}
	}
	return out, err
}

// readToken returns the client token of a request, which may be empty.
func readToken(payload []byte) (string, error) {
	var in struct {
		ClientToken string `json:"clientToken"`
	}
	if err := read(payload, &in); err != nil {
		return "", err
	}
	if len(in.ClientToken) > maxToken {
		return "", invalid("clientToken: want at most %d bytes", maxToken)
	}
	return in.ClientToken, nil
}

// read decodes a request. Nothing at all counts as an empty object.
func read(payload []byte, into any) error {
	if len(bytes.TrimSpace(payload)) == 0 {
		return nil
	}
	if !json.Valid(payload) || bytes.TrimSpace(payload)[0] != '{' {
		return refuse(codeInvalidJSON, "The payload is not a JSON object.")
	}
	err := json.Unmarshal(payload, into)
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.As(err, &mistyped):
		return invalid("The field %s cannot be a %s.", clip(mistyped.Field), clip(mistyped.Value))
	case err != nil:
		return invalid("The request has a field of a wrong type.")
	}
	return nil
}
