package shadow_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzUpdate sends pairs of updates and checks what holds for any document.
func FuzzUpdate(f *testing.F) {
	f.Add([]byte(`{"state":{"desired":{"a":1},"reported":{"a":2}}}`), []byte(`{"state":{"desired":{"a":null}},"clientToken":"x","version":1}`))
	f.Add([]byte(`{"state":{"desired":{"a":[1,{"b":2}]}}}`), []byte(`{"state":{"reported":{"a":{"timestamp":1}}}}`))
	f.Add([]byte(`{"state":null}`), []byte(`{"state":{"desired":null}}`))
	w := open(f)
	f.Fuzz(func(t *testing.T, first, second []byte) {
		w.ask(t, named+"delete", "")
		w.now += 48*3600 + 1 // its version is forgotten
		for _, payload := range [][]byte{first, second} {
			got := w.ask(t, named+"update", string(payload))
			_, accepted := got["update/accepted"]
			_, refused := got["update/rejected"]
			require.NotEqual(t, accepted, refused)
			for _, s := range w.sent {
				require.True(t, json.Valid([]byte(s.payload)), s.payload)
			}
			document, exists := w.ask(t, named+"get", "")["get/accepted"]
			if accepted {
				require.True(t, exists)
			}
			if !exists {
				continue
			}
			var d struct{ State map[string]json.RawMessage }
			require.NoError(t, json.Unmarshal([]byte(document), &d))
			if _, delta := got["update/delta"]; accepted {
				require.Equal(t, d.State["delta"] != nil, delta)
			}
			for _, section := range d.State {
				var v any
				require.NoError(t, json.Unmarshal(section, &v))
				require.False(t, hasNullOrEmpty(v), "%s", section)
			}
			if d.State["desired"] == nil {
				continue
			}
			// A device that reports what is desired, and no more, leaves no delta.
			w.ask(t, named+"update", `{"state":{"reported":null}}`)
			report := w.ask(t, named+"update", `{"state":{"reported":`+string(d.State["desired"])+`}}`)
			if _, fits := report["update/accepted"]; fits {
				require.NotContains(t, report, "update/delta")
			}
		}
	})
}

func hasNullOrEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		for _, child := range v {
			if inner, ok := child.(map[string]any); ok && len(inner) == 0 || hasNullOrEmpty(child) {
				return true
			}
		}
	case []any:
		for _, child := range v {
			if child == nil {
				return true
			}
		}
	}
	return false
}
