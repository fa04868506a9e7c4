package provision

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of one expression.
const (
	maxDepth  = 16
	maxResult = 8 << 10 // bytes of one value
)

// errParameter means that what the device gave does not suffice; everything
// else is found when the template is read.
var errParameter = errors.New("invalid parameters")

// scope is what expressions look things up in.
type scope struct {
	parameters map[string]string
	names      map[string]expression // of resources, by logical id; they cannot refer to each other
	mappings   map[string]map[string]map[string]string
}

// expression is a string of a template that depends on the device. A list is
// what Fn::Split makes, and what Fn::Join and Fn::Select take.
type expression interface {
	text(s scope) (string, error)
	list(s scope) ([]string, error)
}

// noList and noText make each form of expression one of the two.
type noList struct{}

func (noList) list(scope) ([]string, error) { return nil, errors.New("want a list and got text") }

type noText struct{}

func (noText) text(scope) (string, error) { return "", errors.New("want text and got a list") }

type literal struct {
	noList
	value string
}

func (l literal) text(scope) (string, error) { return l.value, nil }

type items struct {
	noText
	of []expression
}

func (i items) list(s scope) ([]string, error) {
	var out []string
	for _, e := range i.of {
		text, err := e.text(s)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// reference is Ref: a parameter or the name of a resource.
type reference struct {
	noList
	name string
}

func (r reference) text(s scope) (string, error) {
	if value, ok := s.parameters[r.name]; ok {
		return value, nil
	}
	if name, ok := s.names[r.name]; ok {
		s.names = nil
		return name.text(s)
	}
	return "", fmt.Errorf("%s is no parameter of the template, and no resource that can be referred to here", r.name)
}

type join struct {
	noList
	separator string
	of        expression
}

func (j join) text(s scope) (string, error) {
	parts, err := j.of.list(s)
	if err != nil {
		return "", err
	}
	return bounded(strings.Join(parts, j.separator))
}

func bounded(text string) (string, error) {
	if len(text) > maxResult {
		return "", fmt.Errorf("%w: a value is longer than %d bytes", errParameter, maxResult)
	}
	return text, nil
}

type split struct {
	noText
	separator string
	of        expression
}

func (p split) list(s scope) ([]string, error) {
	text, err := p.of.text(s)
	if err != nil {
		return nil, err
	}
	return strings.Split(text, p.separator), nil
}

type choose struct {
	noList
	index int
	of    expression
}

func (c choose) text(s scope) (string, error) {
	list, err := c.of.list(s)
	if err != nil {
		return "", err
	}
	if c.index >= len(list) {
		return "", fmt.Errorf("%w: Fn::Select wants item %d of %d", errParameter, c.index, len(list))
	}
	return list[c.index], nil
}

type findInMap struct {
	noList
	mapping, first, second expression
}

func (f findInMap) text(s scope) (string, error) {
	var keys [3]string
	for i, e := range []expression{f.mapping, f.first, f.second} {
		var err error
		if keys[i], err = e.text(s); err != nil {
			return "", err
		}
	}
	value, ok := s.mappings[keys[0]][keys[1]][keys[2]]
	if !ok {
		return "", fmt.Errorf("%w: mapping %s has no %s, %s", errParameter, keys[0], keys[1], keys[2])
	}
	return value, nil
}

// substitute is Fn::Sub, parsed to parts.
type substitute struct {
	noList
	parts []expression
	own   map[string]expression
}

func (f substitute) text(s scope) (string, error) {
	var b strings.Builder
	for _, part := range f.parts {
		if r, ok := part.(reference); ok && f.own[r.name] != nil {
			part = f.own[r.name]
		}
		text, err := part.text(s)
		if err != nil {
			return "", err
		}
		if b.WriteString(text); b.Len() > maxResult {
			return bounded(b.String())
		}
	}
	return b.String(), nil
}

// parseExpression reads a string or one of the functions that AWS lets stand in
// a provisioning template.
func parseExpression(raw json.RawMessage, depth int) (expression, error) {
	if depth > maxDepth {
		return nil, errors.New("expressions are nested too deeply")
	}
	var plain string
	if json.Unmarshal(raw, &plain) == nil && raw[0] == '"' {
		return literal{value: plain}, nil
	}
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) == nil && many != nil {
		of, err := parseAll(many, depth)
		return items{of: of}, err
	}
	var function map[string]json.RawMessage
	if err := json.Unmarshal(raw, &function); err != nil || len(function) != 1 {
		return nil, fmt.Errorf("want text or one function, got %s", clip(raw))
	}
	for name, argument := range function {
		e, err := parseFunction(name, argument, depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return e, nil
	}
	return nil, errors.New("no function") // not reached: the map has one entry
}

func parseAll(raw []json.RawMessage, depth int) ([]expression, error) {
	out := []expression{}
	for _, r := range raw {
		e, err := parseExpression(r, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func parseFunction(name string, argument json.RawMessage, depth int) (expression, error) {
	var arguments []json.RawMessage
	var text string
	isText := json.Unmarshal(argument, &text) == nil && argument[0] == '"'
	if !isText && json.Unmarshal(argument, &arguments) != nil {
		return nil, fmt.Errorf("cannot take %s", clip(argument))
	}
	switch {
	case name == "Ref" && isText && text != "":
		return reference{name: text}, nil
	case name == "Fn::Sub" && isText:
		return parseSub(text, nil)
	case name == "Fn::Sub" && len(arguments) == 2:
		own := map[string]json.RawMessage{}
		if err := errors.Join(json.Unmarshal(arguments[0], &text), json.Unmarshal(arguments[1], &own)); err != nil {
			return nil, err
		}
		values := map[string]expression{}
		for k, raw := range own {
			e, err := parseExpression(raw, depth)
			if err != nil {
				return nil, err
			}
			values[k] = e
		}
		return parseSub(text, values)
	case (name == "Fn::Join" || name == "Fn::Split" || name == "Fn::Select") && len(arguments) == 2:
		of, err := parseExpression(arguments[1], depth)
		if err != nil {
			return nil, err
		}
		return parseListFunction(name, arguments[0], of)
	case name == "Fn::FindInMap" && len(arguments) == 3:
		of, err := parseAll(arguments, depth)
		if err != nil {
			return nil, err
		}
		return findInMap{mapping: of[0], first: of[1], second: of[2]}, nil
	}
	return nil, fmt.Errorf("cannot take %s: use Ref, Fn::Join, Fn::Sub, Fn::FindInMap, Fn::Select and Fn::Split as documented", clip(argument))
}

func parseListFunction(name string, first json.RawMessage, of expression) (expression, error) {
	if name == "Fn::Select" {
		index, err := strconv.Atoi(strings.Trim(string(first), `"`))
		if err != nil || index < 0 {
			return nil, fmt.Errorf("the index %s is not a number", clip(first))
		}
		return choose{index: index, of: of}, nil
	}
	var separator string
	if err := json.Unmarshal(first, &separator); err != nil {
		return nil, fmt.Errorf("the separator %s is not text", clip(first))
	}
	if name == "Fn::Join" {
		return join{separator: separator, of: of}, nil
	}
	if separator == "" {
		return nil, errors.New("the separator is empty")
	}
	return split{separator: separator, of: of}, nil
}

// parseSub reads ${Name} and the escape ${!Literal}.
func parseSub(text string, own map[string]expression) (expression, error) {
	out := substitute{own: own}
	for text != "" {
		before, rest, found := strings.Cut(text, "${")
		if before != "" {
			out.parts = append(out.parts, literal{value: before})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		switch {
		case !closed || name == "":
			return nil, fmt.Errorf("%q has a ${ without name or end", clip([]byte(text)))
		case name[0] == '!':
			out.parts = append(out.parts, literal{value: "${" + name[1:] + "}"})
		default:
			out.parts = append(out.parts, reference{name: name})
		}
		text = after
	}
	return out, nil
}

func clip(b []byte) string {
	if len(b) > 80 {
		return strings.ToValidUTF8(string(b[:80]), "") + "…"
	}
	return string(b)
}
