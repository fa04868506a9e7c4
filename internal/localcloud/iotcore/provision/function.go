package provision

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxDepth bounds how deeply functions are nested.
const maxDepth = 16

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
