package provision

import (
	"errors"
	"fmt"
	"strings"
)

// maxResult bounds one value, in bytes.
const maxResult = 8 << 10

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
