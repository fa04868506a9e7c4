package recipe

import (
	"fmt"
	"math"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Limits that a recipe is held to before it is looked into.
const (
	MaxBytes = 16 << 10 // of the recipe as YAML: nucleus lite, and the service itself
	maxDepth = 32       // of nested mappings and lists; no real recipe comes near
)

// Recipe is a component recipe whose keys keep their order.
type Recipe struct{ tree yaml.MapSlice }

// Parse reads a recipe, YAML or JSON. What it refuses is what one of the
// nuclei may read differently or not at all: anchors, tags, keys that are no
// texts, more than one document. Errors wrap ErrInvalid.
func Parse(data []byte) (r *Recipe, err error) {
	// A template may be larger than a recipe: comments go when it is filled in.
	if len(data) > 2*MaxBytes {
		return nil, &RuleError{What: fmt.Sprintf("it has %d bytes", len(data)), Cure: fmt.Sprintf("keep it to %d", MaxBytes)}
	}
	defer func() {
		if cause := recover(); cause != nil { // the YAML parser has panicked on strange input before
			r, err = nil, &RuleError{What: fmt.Sprintf("not readable as YAML (%v)", cause), Cure: "write plain block-style YAML"}
		}
	}()
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, notYAML(err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, &RuleError{What: fmt.Sprintf("it has %d YAML documents", len(file.Docs)), Cure: "write exactly one"}
	}
	var odd oddNodes
	ast.Walk(&odd, file.Docs[0].Body)
	if odd.found != "" {
		return nil, &RuleError{What: "it has " + odd.found, Cure: "write the value out: not every nucleus reads these"}
	}
	var value any
	if err := yaml.UnmarshalWithOptions(data, &value, yaml.UseOrderedMap()); err != nil {
		return nil, notYAML(err)
	}
	tree, ok := value.(yaml.MapSlice)
	if !ok {
		return nil, &RuleError{What: "it is no mapping", Cure: "begin with RecipeFormatVersion: \"2020-01-25\""}
	}
	if err := plain("", tree, 0); err != nil {
		return nil, err
	}
	return &Recipe{tree: tree}, nil
}

func notYAML(err error) error {
	return &RuleError{What: "not readable as YAML", Cure: yaml.FormatError(err, false, false)}
}

// oddNodes finds what YAML can and a recipe must not.
type oddNodes struct{ found string }

func (o *oddNodes) Visit(n ast.Node) ast.Visitor {
	switch n.Type() {
	case ast.AnchorType, ast.AliasType, ast.MergeKeyType:
		o.found = "an anchor or an alias"
	case ast.TagType:
		o.found = "a tag"
	case ast.DirectiveType:
		o.found = "a directive"
	}
	return o
}

// plain makes sure that a tree holds only what JSON can hold.
func plain(path string, value any, depth int) error {
	if depth > maxDepth {
		return &RuleError{Path: path, What: "nested too deeply", Cure: fmt.Sprintf("keep to %d levels", maxDepth)}
	}
	switch v := value.(type) {
	case yaml.MapSlice:
		for _, item := range v {
			key, ok := item.Key.(string)
			if !ok {
				return &RuleError{Path: path, What: fmt.Sprintf("the key %s is no text", brief(item.Key)), Cure: "quote it"}
			}
			if err := plain(join(path, key), item.Value, depth+1); err != nil {
				return err
			}
		}
	case []any:
		for i, item := range v {
			if err := plain(index(path, i), item, depth+1); err != nil {
				return err
			}
		}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return &RuleError{Path: path, What: "not a finite number", Cure: "write a number, or quote the text"}
		}
	case string, bool, int, int64, uint64:
	case nil:
		return &RuleError{Path: path, What: "no value", Cure: `write one, "" for an empty text, or remove the key`}
	default:
		return &RuleError{Path: path, What: fmt.Sprintf("a value of type %T", v), Cure: "quote it"}
	}
	return nil
}

// Value is the recipe as encoding/json would decode it.
func (r *Recipe) Value() map[string]any {
	value, _ := jsonValue(r.tree).(map[string]any)
	return value
}

func jsonValue(value any) any {
	switch v := value.(type) {
	case yaml.MapSlice:
		m := make(map[string]any, len(v))
		for _, item := range v {
			key, _ := item.Key.(string)
			m[key] = jsonValue(item.Value)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = jsonValue(item)
		}
		return list
	default:
		return v
	}
}
