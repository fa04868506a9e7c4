package fakenucleus

import (
	"encoding/json"
	"errors"
	"time"
)

type shadowName struct{ thing, name string }

// shadow of a thing: merged as IoT Core merges, an update with another version refused.
type shadow struct {
	state   map[string]any
	version int
}

type shadowRequest struct {
	Thing   string          `json:"thingName"`
	Name    string          `json:"shadowName"`
	Payload json.RawMessage `json:"payload"`
}

func (n *Nucleus) shadowOf(r call) (shadowRequest, shadowName, error) {
	q, err := parse[shadowRequest](r.body)
	if err == nil && q.Thing == "" {
		err = errors.New("no thingName")
	}
	if err == nil {
		err = n.authorize(r, q.Thing)
	}
	return q, shadowName{q.Thing, q.Name}, err
}

func (n *Nucleus) getThingShadow(r call) (any, error) {
	_, name, err := n.shadowOf(r)
	if err != nil {
		return nil, err
	}
	s := n.shadows[name]
	if s == nil {
		return nil, ModeledError{"ResourceNotFoundError", "No shadow exists with name: " + name.name}
	}
	return shadowAnswer(s.state, s.version)
}

func (n *Nucleus) updateThingShadow(r call) (any, error) {
	q, name, err := n.shadowOf(r)
	if err != nil {
		return nil, err
	}
	var payload []byte
	var document struct {
		State   map[string]any `json:"state"`
		Version *int           `json:"version"`
		Token   string         `json:"clientToken"`
	}
	if err := json.Unmarshal(q.Payload, &payload); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(payload, &document); err != nil || document.State == nil {
		return nil, errors.New("a payload is an object with state")
	}
	s := n.shadows[name]
	if s == nil {
		s = &shadow{state: map[string]any{}}
	}
	if document.Version != nil && *document.Version != s.version {
		return nil, ModeledError{"ConflictError", "Version conflict"}
	}
	mergeShadow(s.state, document.State)
	s.version++
	n.shadows[name] = s
	return shadowAnswer(document.State, s.version)
}

func (n *Nucleus) deleteThingShadow(r call) (any, error) {
	_, name, err := n.shadowOf(r)
	if err != nil {
		return nil, err
	}
	s := n.shadows[name]
	if s == nil {
		return nil, ModeledError{"ResourceNotFoundError", "No shadow exists with name: " + name.name}
	}
	delete(n.shadows, name)
	return shadowAnswer(nil, s.version)
}

// mergeShadow merges objects; null removes.
func mergeShadow(into, from map[string]any) {
	for key, value := range from {
		inner, isObject := value.(map[string]any)
		old, wasObject := into[key].(map[string]any)
		switch {
		case value == nil:
			delete(into, key)
		case isObject && !wasObject:
			old = map[string]any{}
			into[key] = old
			fallthrough
		case isObject:
			mergeShadow(old, inner)
		default:
			into[key] = value
		}
	}
}

func shadowAnswer(state map[string]any, version int) (any, error) {
	document := map[string]any{"version": version, "timestamp": time.Now().Unix()}
	if state != nil {
		document["state"] = state
	}
	payload, err := json.Marshal(document)
	return map[string][]byte{"payload": payload}, err
}
