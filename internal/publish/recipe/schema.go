package recipe

import (
	"bytes"
	_ "embed" // for the schema
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

//go:embed recipe.schema.json
var schemaText string

// Schema is the JSON Schema of a recipe, draft 2020-12.
func Schema() []byte { return []byte(schemaText) }

// checkSchema holds a recipe against the schema.
func checkSchema(value map[string]any, found *faults) error {
	const name = "recipe.schema.json"
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		return fmt.Errorf("recipe schema: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(name, document); err != nil {
		return fmt.Errorf("recipe schema: %w", err)
	}
	schema, err := compiler.Compile(name)
	if err != nil {
		return fmt.Errorf("recipe schema: %w", err)
	}
	var invalid *jsonschema.ValidationError
	err = schema.Validate(value)
	if errors.As(err, &invalid) {
		describe(value, document, invalid, found)
		return nil
	}
	return err
}

// describe turns the leaves of a validation error into faults.
func describe(value map[string]any, schema any, e *jsonschema.ValidationError, found *faults) {
	at := path(value, e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.Group, *kind.Schema, *kind.Reference, *kind.AllOf, *kind.AnyOf, *kind.OneOf:
	case *kind.AdditionalProperties:
		known := keysAt(schema, e.SchemaURL)
		for _, key := range k.Properties {
			found.add(join(at, key), cureOfKey(key, known), "unknown key")
		}
		return
	case *kind.Required:
		for _, key := range k.Missing {
			found.add(join(at, key), "write it", "missing")
		}
		return
	case *kind.Enum:
		found.add(at, "choose one of "+list(k.Want), "%s", brief(k.Got))
		return
	case *kind.Const:
		found.add(at, "write "+list([]any{k.Want}), "%s", brief(k.Got))
		return
	case *kind.Type:
		found.add(at, "want "+strings.Join(k.Want, " or "), "%s", k.Got)
		return
	case *kind.Pattern:
		found.add(at, "want the form "+k.Want, "%s", brief(k.Got))
		return
	case *kind.PropertyNames:
		found.add(join(at, k.Property), "rename it", "a name that is not allowed here")
		return
	case *kind.MaxLength:
		found.add(at, fmt.Sprintf("keep it to %d", k.Want), "%d characters", k.Got)
		return
	case *kind.MinLength, *kind.MinItems, *kind.MinProperties:
		found.add(at, "write at least one", "empty")
		return
	}
	if len(e.Causes) == 0 {
		found.add(at, "see the recipe reference", "%v", e)
	}
	for _, cause := range e.Causes {
		describe(value, schema, cause, found)
	}
}

// path spells a JSON location: numbers are places in lists.
func path(value any, location []string) (at string) {
	for _, part := range location {
		switch v := value.(type) {
		case []any:
			if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(v) {
				value = v[i]
				at = index(at, i)
				continue
			}
		case map[string]any:
			value = v[part]
		}
		at = join(at, part)
	}
	return at
}

// keysAt are the properties that the schema at url names.
func keysAt(schema any, url string) []string {
	_, pointer, _ := strings.Cut(url, "#")
	for part := range strings.SplitSeq(strings.Trim(pointer, "/"), "/") {
		if m, ok := schema.(map[string]any); ok && part != "" {
			schema = m[part]
		}
	}
	m, _ := schema.(map[string]any)
	properties, _ := m["properties"].(map[string]any)
	return sortedKeys(properties)
}

// cureOfKey names the key that was meant, which often differs in case alone.
func cureOfKey(key string, known []string) string {
	if strings.EqualFold(key, "Digest") || strings.EqualFold(key, "Algorithm") {
		return "remove it: the service computes it from the artifact"
	}
	for _, k := range known {
		if strings.EqualFold(k, key) {
			return "write " + k + ": nucleus lite tells capitals from small letters"
		}
	}
	best, least := "", 3
	for _, k := range known {
		if d := distance(strings.ToLower(key), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "the keys here are " + strings.Join(known, ", ")
}

// distance is the Levenshtein distance of short words.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

func list(values []any) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ", ")
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
