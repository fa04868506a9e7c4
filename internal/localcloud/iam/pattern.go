package iam

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Marks in a compiled pattern; every other rune stands for itself.
const (
	anyRun rune = -1 - iota // '*'
	anyOne                  // '?'
)

// pattern is text with wildcards and policy variables. parts alternates
// between fixed runes and variables.
type pattern struct {
	text  string
	parts []part
}

type part struct {
	runes    []rune
	variable string // when set, runes is empty
}

// values looks up policy variables and condition keys; names are compared
// without regard to case.
type values struct {
	single map[string]string
	lists  map[string][]string
}

func (v values) get(name string) (string, bool) {
	if s, ok := v.single[name]; ok {
		return s, true
	}
	for k, s := range v.single {
		if strings.EqualFold(k, name) {
			return s, true
		}
	}
	return "", false
}

// all returns every value of a condition key.
func (v values) all(name string) ([]string, bool) {
	for k, s := range v.lists {
		if strings.EqualFold(k, name) {
			return s, true
		}
	}
	if s, ok := v.get(name); ok {
		return []string{s}, true
	}
	return nil, false
}

// compile reads wildcards and, when variables is true, ${name} and the
// escapes ${*}, ${?} and ${$}.
func compile(text string, variables bool) (pattern, error) {
	p := pattern{text: text}
	var run []rune
	rest := text
	for rest != "" {
		if strings.HasPrefix(rest, "${") {
			if !variables {
				return p, fmt.Errorf("%q: policy variables need \"Version\": %q and a resource or condition", text, version2012)
			}
			name, after, ok := strings.Cut(rest[2:], "}")
			if !ok || name == "" || name != "$" && strings.ContainsAny(name, "${,' ") {
				return p, fmt.Errorf("%q: malformed policy variable", text)
			}
			rest = after
			switch name {
			case "*", "?", "$": // escapes
				run = append(run, rune(name[0]))
			default:
				p.parts = append(p.parts, part{runes: run}, part{variable: name})
				run = nil
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		switch r {
		case '*':
			r = anyRun
		case '?':
			r = anyOne
		}
		run = append(run, r)
	}
	p.parts = append(p.parts, part{runes: run})
	return p, nil
}

// match reports whether subject matches. resolved is false when a variable of
// the pattern has no value, in which case nothing matches. What a variable
// stands for is taken literally: a client that calls itself "*" gains nothing.
func (p pattern) match(subject string, v values) (matched, resolved bool) {
	runes, ok := p.expand(v)
	if !ok {
		return false, false
	}
	return glob(runes, []rune(subject)), true
}

func (p pattern) expand(v values) (runes []rune, resolved bool) {
	if len(p.parts) == 1 {
		return p.parts[0].runes, true
	}
	for _, part := range p.parts {
		if part.variable == "" {
			runes = append(runes, part.runes...)
			continue
		}
		value, ok := v.get(part.variable)
		if !ok || value == "" {
			return nil, false
		}
		runes = append(runes, []rune(value)...)
	}
	return runes, true
}

// glob matches with one point of return: the last '*' seen. It needs at most
// len(p)*len(s) steps.
func glob(p, s []rune) bool {
	i, j, star, from := 0, 0, -1, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == anyRun:
			star, from = i, j
			i++
		case i < len(p) && (p[i] == anyOne || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(p) && p[i] == anyRun {
		i++
	}
	return i == len(p)
}
