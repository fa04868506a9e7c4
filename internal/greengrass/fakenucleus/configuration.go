package fakenucleus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Deploy merges a configuration into a component's, as a deployment with a
// YAML recipe does, and tells who asked to be told. config is JSON.
func (n *Nucleus) Deploy(component string, config json.RawMessage) error {
	tree, err := decodeObject(config)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.merge(component, nil, n.cfg.Kind.fromRecipe(tree), -1)
	return nil
}

func decodeObject(text json.RawMessage) (map[string]any, error) {
	value, err := decodeValue(text)
	if err != nil {
		return nil, err
	}
	tree, isObject := value.(map[string]any)
	if !isObject {
		return nil, errors.New("fake nucleus: a configuration is an object")
	}
	return tree, nil
}

func decodeValue(text json.RawMessage) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return value, decoder.Decode(&value)
}

// question is which part of whose configuration is meant.
type question struct {
	Component string   `json:"componentName"`
	KeyPath   []string `json:"keyPath"`
}

func parseQuestion(r call) (question, error) {
	q, err := parse[question](r.body)
	if q.Component == "" {
		q.Component = r.conn.component
	}
	return q, err
}

func (n *Nucleus) getConfiguration(r call) (any, error) {
	q, err := parseQuestion(r)
	if err != nil {
		return nil, err
	}
	tree, known := n.components[q.Component]
	value, found := n.find(tree, q.KeyPath)
	if !known || !found {
		return nil, ModeledError{"ResourceNotFoundError", fmt.Sprintf("Key not found: %s %v", q.Component, q.KeyPath)}
	}
	if _, isObject := value.(map[string]any); !isObject {
		value = map[string]any{q.KeyPath[len(q.KeyPath)-1]: value}
	}
	answer := map[string]any{"componentName": q.Component, "value": value}
	if n.cfg.Kind == Lite && liteCount(answer) > liteValues {
		return nil, ModeledError{"ServiceError", "Visited object's subobjects exceeds maximum"}
	}
	return answer, nil
}

// find walks down a path; the Java nucleus does not look at the case of keys.
func (n *Nucleus) find(tree map[string]any, path []string) (any, bool) {
	var value any = tree
	for _, key := range path {
		object, isObject := value.(map[string]any)
		if !isObject {
			return nil, false
		}
		var found bool
		if value, found = object[n.key(object, key)]; !found {
			return nil, false
		}
	}
	return value, true
}

// key of object that key means.
func (n *Nucleus) key(object map[string]any, key string) string {
	if _, exact := object[key]; exact || n.cfg.Kind == Lite {
		return key
	}
	for other := range object {
		if strings.EqualFold(other, key) {
			return other
		}
	}
	return key
}

func (n *Nucleus) updateConfiguration(r call) (any, error) {
	q, err := parse[struct {
		KeyPath   []string        `json:"keyPath"`
		Timestamp json.RawMessage `json:"timestamp"`
		Value     json.RawMessage `json:"valueToMerge"`
	}](r.body)
	if err != nil {
		return nil, err
	}
	var seconds float64
	if err := json.Unmarshal(q.Timestamp, &seconds); err != nil {
		return nil, errors.New("timestamp: seconds are missing")
	}
	if n.cfg.Kind == Lite && !bytes.ContainsAny(q.Timestamp, ".eE") {
		return nil, errors.New("timestamp: not a floating point number")
	}
	if slices.ContainsFunc(q.KeyPath, func(key string) bool { return strings.EqualFold(key, "accessControl") }) {
		return nil, errors.New("accessControl cannot be written")
	}
	value, err := decodeValue(q.Value)
	if err != nil {
		return nil, err
	}
	tree, isObject := value.(map[string]any)
	path := q.KeyPath
	if !isObject {
		if len(path) == 0 {
			return nil, errors.New("only an object can be merged at the root")
		}
		tree, path = map[string]any{path[len(path)-1]: value}, path[:len(path)-1]
	}
	n.merge(r.conn.component, path, n.cfg.Kind.fromUpdate(tree).(map[string]any), seconds)
	return nothing{}, nil
}

// merge writes the leaves of a tree below a path. seconds is the time of an
// update; one that is older than what is there loses. Negative: a deployment,
// which always wins.
func (n *Nucleus) merge(component string, path []string, tree map[string]any, seconds float64) {
	at := n.components[component]
	if at == nil {
		at = map[string]any{}
		n.components[component] = at
	}
	for _, key := range path {
		key = n.key(at, key)
		next, isObject := at[key].(map[string]any)
		if !isObject {
			next = map[string]any{}
			at[key] = next
		}
		at = next
	}
	n.mergeInto(component, path, at, tree, seconds)
}

func (n *Nucleus) mergeInto(component string, path []string, at, tree map[string]any, seconds float64) {
	keys := make([]string, 0, len(tree))
	for key := range tree {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, given := range keys {
		key := n.key(at, given)
		below := append(slices.Clone(path), key)
		if object, isObject := tree[given].(map[string]any); isObject {
			next, wasObject := at[key].(map[string]any)
			if !wasObject {
				next = map[string]any{}
				at[key] = next
			}
			n.mergeInto(component, below, next, object, seconds)
			continue
		}
		id := component + "\x00" + strings.Join(below, "\x00")
		if seconds >= 0 && seconds < n.written[id] {
			continue
		}
		n.written[id] = max(seconds, n.written[id])
		if old, had := at[key]; had && equal(old, tree[given]) {
			continue
		}
		at[key] = tree[given]
		n.changed(component, below)
	}
}

func equal(a, b any) bool {
	left, err := json.Marshal(a)
	if err != nil {
		return false
	}
	right, err := json.Marshal(b)
	return err == nil && bytes.Equal(left, right)
}

// changed tells of one leaf.
func (n *Nucleus) changed(component string, path []string) {
	for _, s := range n.of("SubscribeToConfigurationUpdate") {
		within := len(s.path) <= len(path) && slices.EqualFunc(s.path, path[:min(len(s.path), len(path))], n.sameKey)
		if s.filter == component && within {
			n.event(s, "ConfigurationUpdateEvents", map[string]any{
				"configurationUpdateEvent": map[string]any{"componentName": component, "keyPath": path},
			}, false)
		}
	}
}

func (n *Nucleus) sameKey(a, b string) bool {
	return a == b || n.cfg.Kind == Java && strings.EqualFold(a, b)
}

func (n *Nucleus) subscribeToConfigurationUpdate(r call) (any, error) {
	q, err := parseQuestion(r)
	if err != nil {
		return nil, err
	}
	if _, known := n.components[q.Component]; !known && q.Component != r.conn.component {
		return nil, ModeledError{"ResourceNotFoundError", "no such component"}
	}
	n.open(r, stream{filter: q.Component, path: q.KeyPath})
	return nothing{}, nil
}
