package live

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// Version of the messages on the data channel.
const commandVersion = 1

// Bounds of a message on the data channel, in bytes.
const (
	maxRequest = 4 << 10
	maxID      = 64
	maxType    = 32
	maxReply   = 48 << 10
)

// Codes of a refused request, besides those of a Fault.
const (
	CodeBadRequest  = "bad_request"
	CodeVersion     = "version"
	CodeUnknownType = "unknown_type"
	CodeRate        = "rate"
	CodeFailed      = "failed"
)

// Request is what a viewer asks for on the data channel:
// {"v":1,"type":"ptz","id":"7",…}.
type Request struct {
	Client string // who asks
	Type   string
	ID     string          // repeated in the reply, may be empty
	Body   json.RawMessage // the whole message, for what the type has besides
}

// Command is something viewers can ask for.
type Command struct {
	Role Role // the least that may ask
	// Do does it and returns what to reply, as something to be marshaled. Its
	// context ends when the viewer leaves, or after ten seconds. Only a Fault
	// among its errors is shown to the viewer.
	Do func(ctx context.Context, r Request) (any, error)
}

// reply is the answer to a request.
type reply struct {
	Version int    `json:"v"`
	Type    string `json:"type"` // "reply"
	To      string `json:"to"`   // the type of the request, empty when that could not be read
	ID      string `json:"id,omitempty"`
	OK      bool   `json:"ok"`
	Result  any    `json:"result,omitempty"`
	Error   *wrong `json:"error,omitempty"`
}

// status tells a viewer what it cannot see for itself.
type status struct {
	Version int     `json:"v"`
	Type    string  `json:"type"`  // "status"
	State   string  `json:"state"` // live, waiting or ended
	Code    string  `json:"code,omitempty"`
	Text    string  `json:"text,omitempty"`
	Quality Quality `json:"quality,omitempty"` // being sent
}

type wrong struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// parseRequest reads a message of a viewer. Its error is always a Fault; what
// could be read is returned in any case, for the reply.
func parseRequest(data []byte) (Request, error) {
	var r Request
	if len(data) > maxRequest {
		return r, faultf(CodeBadRequest, "the message has %d bytes, the limit is %d", len(data), maxRequest)
	}
	var m struct {
		Version int    `json:"v"`
		Type    string `json:"type"`
		ID      string `json:"id"`
	}
	err := json.Unmarshal(data, &m)
	if err == nil && len(m.ID) <= maxID {
		r.ID = m.ID
	}
	if err == nil && len(m.Type) <= maxType {
		r.Type = m.Type
	}
	switch {
	case err != nil:
		return r, faultf(CodeBadRequest, `the message is not an object like {"v":1,"type":"ping","id":"1"}`)
	case m.Version != commandVersion:
		return r, faultf(CodeVersion, "the message is of version %d, only %d is understood", m.Version, commandVersion)
	case m.Type == "" || r.Type != m.Type:
		return r, faultf(CodeBadRequest, "the type has to have 1 to %d bytes", maxType)
	case r.ID != m.ID:
		return r, faultf(CodeBadRequest, "the id may have %d bytes", maxID)
	}
	r.Body = slices.Clone(data)
	return r, nil
}

// execute does what a request asks for.
func (v *viewer) execute(r Request) (any, error) {
	switch r.Type {
	case "ping":
		return nil, nil //nolint:nilnil // there is nothing to say but "ok"
	case "quality":
		return nil, v.choose(r)
	}
	c, ok := v.m.cfg.Commands[r.Type]
	if !ok {
		known := append(slices.Sorted(maps.Keys(v.m.cfg.Commands)), "ping", "quality")
		slices.Sort(known)
		return nil, faultf(CodeUnknownType, "this camera knows %s", strings.Join(known, ", "))
	}
	if v.role < c.Role {
		return nil, faultf(CodeForbidden, "this viewer may not do that")
	}
	ctx, cancel := context.WithTimeout(v.ctx, commandWithin)
	defer cancel()
	r.Client = v.client
	result, err := c.Do(ctx, r)
	if err == nil {
		return result, nil
	}
	v.log.Info("a viewer's command failed", "type", r.Type, "error", err)
	var f *Fault
	switch {
	case errors.As(err, &f):
		return nil, f
	case errors.Is(err, context.DeadlineExceeded):
		return nil, faultf(CodeFailed, "it took longer than %s", commandWithin)
	}
	return nil, faultf(CodeFailed, "it did not work")
}

// choose sets the quality that the viewer wants.
func (v *viewer) choose(r Request) error {
	var m struct {
		Quality Quality `json:"quality"`
	}
	if err := json.Unmarshal(r.Body, &m); err != nil || m.Quality != Auto && m.Quality != Main && m.Quality != Sub {
		return faultf(CodeBadRequest, "quality is %q, %q or %q", Auto, Main, Sub)
	}
	if m.Quality == Sub && v.m.sub == nil {
		return faultf(CodeFailed, "this camera has one stream only")
	}
	select {
	case v.wishes <- m.Quality:
		return nil
	case <-v.ctx.Done():
		return context.Cause(v.ctx)
	}
}

// answerTo makes the reply to a request.
func answerTo(r Request, result any, err error) []byte {
	a := reply{Version: commandVersion, Type: "reply", To: r.Type, ID: r.ID, OK: err == nil, Result: result}
	if err != nil {
		f := asFault(err)
		a.Result, a.Error = nil, &wrong{Code: f.Code, Text: f.Text}
	}
	data, err := json.Marshal(a)
	if err != nil || len(data) > maxReply {
		a.OK, a.Result, a.Error = false, nil, &wrong{Code: CodeFailed, Text: "the reply cannot be sent"}
		data, _ = json.Marshal(a) //nolint:errchkjson // strings and numbers only
	}
	return data
}
