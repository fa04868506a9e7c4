package shadow

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
)

// patch returns what becomes of state after a change in the way of shadows:
// sections are joined, null removes, everything else replaces. That is JSON
// Merge Patch, https://www.rfc-editor.org/rfc/rfc7396.
func patch(state map[string]any, change json.RawMessage) map[string]any {
	var parsed map[string]any
	if len(change) > 0 && json.Unmarshal(change, &parsed) != nil {
		parsed = nil // a state that is no object changes nothing
	}
	return merge(state, parsed)
}

func merge(state, change map[string]any) map[string]any {
	out := maps.Clone(state)
	if out == nil {
		out = map[string]any{}
	}
	for key, value := range change {
		switch value := value.(type) {
		case nil:
			delete(out, key)
		case map[string]any:
			below, _ := out[key].(map[string]any)
			out[key] = merge(below, value)
		default:
			out[key] = value
		}
	}
	return out
}

// difference returns the change that makes to out of from.
func difference(from, to map[string]any) map[string]any {
	change := map[string]any{}
	for key := range from {
		if _, stays := to[key]; !stays {
			change[key] = nil
		}
	}
	for key, value := range to {
		below, isSection := value.(map[string]any)
		before, wasSection := from[key].(map[string]any)
		switch {
		case isSection && wasSection:
			if inner := difference(before, below); len(inner) > 0 {
				change[key] = inner
			}
		case !reflect.DeepEqual(from[key], value):
			change[key] = value
		}
	}
	return change
}

// normal gives v the types that JSON has when it is read.
func normal(v map[string]any) map[string]any {
	data, err := json.Marshal(v)
	if err != nil {
		return map[string]any{} // cannot be: it came out of JSON
	}
	return patch(nil, data)
}

// bounded keeps what is reported of faults small: the first by path.
func bounded(faults map[string]string) map[string]any {
	out := map[string]any{}
	for _, path := range slices.Sorted(maps.Keys(faults)) {
		text := []rune(faults[path])
		if len(text) > longestFault {
			text = append(text[:longestFault-1], '…')
		}
		if len(out) < mostFaults {
			out[path] = string(text)
		}
	}
	return out
}
