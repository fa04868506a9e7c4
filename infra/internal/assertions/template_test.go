package assertions_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const infra = "../.."

type object = map[string]any

type resource struct {
	Type           string
	Properties     object
	Metadata       object
	DeletionPolicy string
	DependsOn      []any
}

type template struct {
	Resources map[string]resource
	Outputs   map[string]struct{ Value any }
}

func load(t *testing.T) template {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(infra, "porchlight.template.json"))
	require.NoError(t, err)
	var parsed template
	require.NoError(t, json.Unmarshal(data, &parsed))
	return parsed
}

// ofType returns the resources of a type by logical id; there must be some.
func (tmpl template) ofType(t *testing.T, kind string) map[string]resource {
	t.Helper()
	found := map[string]resource{}
	for id, r := range tmpl.Resources {
		if r.Type == kind {
			found[id] = r
		}
	}
	require.NotEmpty(t, found, kind)
	return found
}

// only returns the id and the resource of a type of which there is just one.
func (tmpl template) only(t *testing.T, kind string) (string, resource) {
	t.Helper()
	found := tmpl.ofType(t, kind)
	require.Len(t, found, 1, kind)
	for id, r := range found {
		return id, r
	}
	panic("unreachable")
}

// output returns the id and the resource that an output names.
func (tmpl template) output(t *testing.T, output string) (string, resource) {
	t.Helper()
	require.Contains(t, tmpl.Outputs, output)
	id := target(t, tmpl.Outputs[output].Value)
	return id, tmpl.Resources[id]
}

// named returns the id and the resource of a type whose logical id is the given
// one with the CDK's hash behind it.
func (tmpl template) named(t *testing.T, kind, construct string) (string, resource) {
	t.Helper()
	const hash = 8
	for id, r := range tmpl.ofType(t, kind) {
		if len(id) > hash && id[:len(id)-hash] == construct {
			return id, r
		}
	}
	require.Fail(t, "no such construct", "%s of type %s", construct, kind)
	return "", resource{}
}

// at walks objects and lists down a path of keys (string) and indexes (int).
func at(t *testing.T, value any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			o, ok := value.(object)
			require.True(t, ok, "%v of %v", step, value)
			require.Contains(t, o, step)
			value = o[step]
		case int:
			l, ok := value.([]any)
			require.True(t, ok, "%v of %v", step, value)
			require.Greater(t, len(l), step)
			value = l[step]
		}
	}
	return value
}

// target returns the logical id that a Ref or Fn::GetAtt points to.
func target(t *testing.T, value any) string {
	t.Helper()
	o, ok := value.(object)
	require.True(t, ok, "not a reference: %v", value)
	if ref, ok := o["Ref"].(string); ok {
		return ref
	}
	id, ok := at(t, o, "Fn::GetAtt", 0).(string)
	require.True(t, ok)
	return id
}

// flat writes a value with intrinsic functions as one line of text:
// "<Table.Arn>/index/gsi1".
func flat(t *testing.T, value any) string {
	t.Helper()
	switch v := value.(type) {
	case string:
		return v
	case object:
		if ref, ok := v["Ref"].(string); ok {
			return "<" + ref + ">"
		}
		if join, ok := v["Fn::Join"].([]any); ok {
			text := ""
			for _, part := range join[1].([]any) {
				text += flat(t, part)
			}
			return text
		}
		if att, ok := v["Fn::GetAtt"].([]any); ok {
			return "<" + att[0].(string) + "." + att[1].(string) + ">"
		}
	}
	require.Fail(t, "unknown shape", "%v", value)
	return ""
}

// texts returns one text or a list of texts, flattened, as a list.
func texts(t *testing.T, value any) []string {
	t.Helper()
	list, ok := value.([]any)
	if !ok {
		return []string{flat(t, value)}
	}
	var out []string
	for _, item := range list {
		out = append(out, flat(t, item))
	}
	return out
}
