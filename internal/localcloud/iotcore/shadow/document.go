package shadow

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// document is a shadow as it is stored.
type document struct {
	State    object `json:"state"`    // desired and reported, each only when not empty
	Metadata object `json:"metadata"` // of the same shape, with timestamps for values
	Version  int64  `json:"version"`
	// Deleted is when the shadow was deleted, in seconds since the epoch; its
	// version is then still remembered.
	Deleted int64 `json:"deleted,omitempty"`
}

func emptyDocument(version int64) document {
	return document{State: object{}, Metadata: object{}, Version: version}
}

// apply makes the next version. It returns the metadata of what the change
// names, which is what the answer holds.
func (d *document) apply(c change, now int64) (touched object) {
	touched = object{}
	d.Version++
	d.Deleted = 0
	if c.state == nil {
		d.State, d.Metadata = object{}, object{}
		return touched
	}
	for section, v := range c.state {
		touched[section] = stamp(v, now)
	}
	merge(d.State, d.Metadata, c.state, now)
	return touched
}

// merge applies a patch to a state and keeps the metadata of each value with
// it. Null removes; objects are merged, everything else is replaced whole.
func merge(state, metadata, patch object, now int64) {
	for key, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(state, key)
			delete(metadata, key)
		case object:
			inner, _ := state[key].(object)
			innerMetadata, _ := metadata[key].(object)
			if inner == nil || innerMetadata == nil {
				inner, innerMetadata = object{}, object{}
			}
			merge(inner, innerMetadata, value, now)
			if len(inner) == 0 {
				delete(state, key)
				delete(metadata, key)
				continue
			}
			state[key], metadata[key] = inner, innerMetadata
		default:
			state[key], metadata[key] = value, stamp(value, now)
		}
	}
}

// stamp is the metadata of a value that is set now.
func stamp(value any, now int64) any {
	switch value := value.(type) {
	case object:
		out := object{}
		for key, child := range value {
			out[key] = stamp(child, now)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, child := range value {
			out[i] = stamp(child, now)
		}
		return out
	}
	return object{"timestamp": now}
}

// delta is what is desired and not reported, with its metadata; both are empty
// when there is no difference.
func (d *document) delta() (state, metadata object) {
	section := func(of object, name string) object {
		o, _ := of[name].(object)
		return o
	}
	return difference(section(d.State, "desired"), section(d.State, "reported"), section(d.Metadata, "desired"))
}

func difference(desired, reported, stamps object) (state, metadata object) {
	state, metadata = object{}, object{}
	for key, want := range desired {
		have, reports := reported[key]
		wantObject, ok1 := want.(object)
		haveObject, ok2 := have.(object)
		if ok1 && ok2 {
			innerStamps, _ := stamps[key].(object)
			inner, innerMetadata := difference(wantObject, haveObject, innerStamps)
			if len(inner) > 0 {
				state[key], metadata[key] = inner, innerMetadata
			}
			continue
		}
		if !reports || !equal(want, have) {
			state[key], metadata[key] = want, stamps[key]
		}
	}
	return state, metadata
}

// equal compares values; numbers by what they are, not by how they are written.
func equal(a, b any) bool {
	switch a := a.(type) {
	case object:
		b, ok := b.(object)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, v := range a {
			if w, has := b[key]; !has || !equal(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case json.Number:
		b, ok := b.(json.Number)
		return ok && equalNumbers(a.String(), b.String())
	}
	return a == b
}

func equalNumbers(a, b string) bool {
	if a == b {
		return true
	}
	i, err1 := strconv.ParseInt(a, 10, 64)
	j, err2 := strconv.ParseInt(b, 10, 64)
	if err1 == nil && err2 == nil {
		return i == j
	}
	f, err1 := strconv.ParseFloat(a, 64)
	g, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && f == g
}

// encode writes JSON as it came, without escapes for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
