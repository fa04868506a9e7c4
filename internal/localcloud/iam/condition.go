package iam

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// condition is one operator on one key. It holds when any of its values does
// (for a negated operator: when none does).
type condition struct {
	key      string
	values   []pattern
	compare  comparison
	negated  bool
	ifExists bool
	set      setOperator
	null     bool // the Null operator: asks whether the key is there
}

type setOperator int

const (
	single setOperator = iota
	forAll
	forAny
)

func parseConditions(w map[string]map[string]json.RawMessage, variables bool) ([]condition, error) {
	var out []condition
	for name, keys := range w {
		c := condition{}
		base := name
		if rest, ok := strings.CutPrefix(base, "ForAllValues:"); ok {
			base, c.set = rest, forAll
		} else if rest, ok := strings.CutPrefix(base, "ForAnyValue:"); ok {
			base, c.set = rest, forAny
		}
		base, c.ifExists = strings.CutSuffix(base, "IfExists")
		op, known := operatorNamed(base)
		if c.null = name == "Null"; !known && !c.null {
			return nil, fmt.Errorf("unknown condition operator %q", name)
		}
		c.compare, c.negated = op.compare, op.negated
		if c.null {
			op.check = checkBool
		}
		for key, raw := range keys {
			one := c
			one.key = key
			texts, err := conditionValues(raw)
			if err != nil {
				return nil, fmt.Errorf("condition %s %s: %w", name, key, err)
			}
			for _, text := range texts {
				if op.check != nil && !strings.Contains(text, "${") {
					if err := op.check(text); err != nil {
						return nil, fmt.Errorf("condition %s %s: %w", name, key, err)
					}
				}
				p, err := compile(text, variables)
				if err != nil {
					return nil, fmt.Errorf("condition %s %s: %w", name, key, err)
				}
				one.values = append(one.values, p)
			}
			out = append(out, one)
		}
	}
	return out, nil
}

// conditionValues accepts one value or a list; numbers and booleans count as
// their text. An empty list is legal and matches nothing.
func conditionValues(raw json.RawMessage) ([]string, error) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	var out []string
	for _, item := range list {
		var s string
		var b bool
		var n json.Number
		switch {
		case string(item) == "null":
			return nil, fmt.Errorf("want a string, number or boolean, got null")
		case json.Unmarshal(item, &s) == nil:
		case json.Unmarshal(item, &b) == nil:
			s = strconv.FormatBool(b)
		case json.Unmarshal(item, &n) == nil:
			s = n.String()
		default:
			return nil, fmt.Errorf("want a string, number or boolean, got %s", clip(item))
		}
		out = append(out, s)
	}
	return out, nil
}

// holds decides the condition. A key that the request does not carry fails it,
// except with IfExists, ForAllValues and negated operators, as on AWS.
func (c condition) holds(v values) (ok, resolved bool) {
	have, present := v.all(c.key)
	present = present && len(have) > 0
	if c.null {
		for _, want := range c.values {
			if strings.EqualFold(want.text, strconv.FormatBool(!present)) {
				return true, true
			}
		}
		return false, true
	}
	if !present {
		return c.set != forAny && (c.ifExists || c.negated || c.set == forAll), true
	}
	resolved = true
	matched := 0
	for _, value := range have {
		any, all := c.one(value, v)
		resolved = resolved && all
		if any != c.negated {
			matched++
		}
	}
	if c.set == forAny {
		return matched > 0, resolved
	}
	return matched == len(have), resolved
}

func (c condition) one(have string, v values) (ok, resolved bool) {
	resolved = true
	for _, want := range c.values {
		hit, all := c.compare(have, want, v)
		if hit {
			return true, true
		}
		resolved = resolved && all
	}
	return false, resolved
}
