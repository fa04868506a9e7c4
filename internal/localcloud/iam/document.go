// Package iam reads AWS policy documents and decides requests against them.
//
// It serves identity policies of roles, resource and trust policies, and AWS
// IoT policies alike: they share one grammar. Whatever it does not understand
// (an operator, an element, a malformed variable) is refused when the document
// is parsed, so that no statement is ever half applied.
//
// Source: the IAM JSON policy element reference and the AWS IoT Core policy
// variable reference.
package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrPolicy is wrapped by every error about a policy document.
var ErrPolicy = errors.New("invalid policy document")

// The two policy language versions. Only the newer one has variables.
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// Document is one parsed policy document. The zero value grants nothing.
// It is safe for concurrent use.
type Document struct {
	statements []statement
	raw        json.RawMessage
}

type statement struct {
	sid         string
	deny        bool
	anyone      bool     // Principal "*"
	principals  []string // every named principal, of whatever kind
	actions     []pattern
	notActions  bool
	resources   []pattern // empty only where the document has a Principal
	notResource bool
	conditions  []condition
}

// stringList accepts the grammar's "one string or a list of strings".
type stringList []string

func (l *stringList) UnmarshalJSON(b []byte) error {
	var one string
	if err := json.Unmarshal(b, &one); err == nil {
		*l = stringList{one}
		return nil
	}
	var many []*string
	if err := json.Unmarshal(b, &many); err != nil || len(many) == 0 {
		return fmt.Errorf("want a string or a non-empty list of strings, got %s", clip(b))
	}
	*l = nil
	for _, s := range many {
		if s == nil {
			return fmt.Errorf("want a string or a non-empty list of strings, got %s", clip(b))
		}
		*l = append(*l, *s)
	}
	return nil
}

type wireDocument struct {
	Version   string
	ID        string `json:"Id"`
	Statement json.RawMessage
}

type wireStatement struct {
	Sid          string
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       stringList
	NotAction    stringList
	Resource     stringList
	NotResource  stringList
	Condition    map[string]map[string]json.RawMessage
}

// Parse reads one policy document. Errors wrap ErrPolicy and name the
// statement.
func Parse(b []byte) (Document, error) {
	var d Document
	if err := d.parse(b); err != nil {
		return Document{}, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	return d, nil
}

// UnmarshalJSON lets properties structs hold a Document.
func (d *Document) UnmarshalJSON(b []byte) error {
	parsed, err := Parse(b)
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// MarshalJSON returns the document as it was parsed.
func (d Document) MarshalJSON() ([]byte, error) {
	if d.raw == nil {
		return []byte(`{"Version":"2012-10-17","Statement":[]}`), nil
	}
	return d.raw, nil
}

func (d *Document) parse(b []byte) error {
	var w wireDocument
	if err := strict(b, &w); err != nil {
		return err
	}
	if w.Version == "" {
		w.Version = version2008
	}
	if w.Version != version2008 && w.Version != version2012 {
		return fmt.Errorf("unknown Version %q: use %s", w.Version, version2012)
	}
	var many []wireStatement
	if trimmed := bytes.TrimSpace(w.Statement); len(trimmed) > 0 && trimmed[0] == '{' {
		many = make([]wireStatement, 1)
		if err := strict(trimmed, &many[0]); err != nil {
			return fmt.Errorf("statement 1: %w", err)
		}
	} else if err := strict(w.Statement, &many); err != nil {
		return fmt.Errorf("element Statement: %w", err)
	}
	for i := range many {
		s, err := parseStatement(&many[i], w.Version == version2012)
		if err != nil {
			return fmt.Errorf("statement %d %s: %w", i+1, many[i].Sid, err)
		}
		d.statements = append(d.statements, s)
	}
	d.raw = slices.Clone(b)
	return nil
}

func parseStatement(w *wireStatement, variables bool) (statement, error) {
	s := statement{sid: w.Sid, notActions: w.NotAction != nil, notResource: w.NotResource != nil}
	switch w.Effect {
	case "Allow":
	case "Deny":
		s.deny = true
	default:
		return s, fmt.Errorf("effect %q: want Allow or Deny", w.Effect)
	}
	if (w.Action == nil) == (w.NotAction == nil) {
		return s, errors.New("want exactly one of Action and NotAction")
	}
	if w.Resource != nil && w.NotResource != nil {
		return s, errors.New("want only one of Resource and NotResource")
	}
	if w.NotPrincipal != nil {
		return s, errors.New("element NotPrincipal is not supported: name the principals that are allowed")
	}
	if w.Resource == nil && w.NotResource == nil && w.Principal == nil {
		return s, errors.New("element Resource is missing")
	}
	var err error
	if s.anyone, s.principals, err = parsePrincipal(w.Principal); err != nil {
		return s, err
	}
	for _, text := range slices.Concat(w.Action, w.NotAction) {
		if text != "*" && !strings.Contains(text, ":") {
			return s, fmt.Errorf("action %q: want service:Action", text)
		}
		// Actions are compared without regard to case and have no variables.
		p, err := compile(strings.ToLower(text), false)
		if err != nil {
			return s, err
		}
		s.actions = append(s.actions, p)
	}
	for _, text := range slices.Concat(w.Resource, w.NotResource) {
		p, err := compile(text, variables)
		if err != nil {
			return s, err
		}
		s.resources = append(s.resources, p)
	}
	s.conditions, err = parseConditions(w.Condition, variables)
	return s, err
}

func parsePrincipal(b json.RawMessage) (anyone bool, names []string, err error) {
	if b == nil {
		return false, nil, nil
	}
	var one string
	if json.Unmarshal(b, &one) == nil {
		if one != "*" {
			return false, nil, fmt.Errorf(`principal %q: want "*" or {"Service": …}`, one)
		}
		return true, nil, nil
	}
	var kinds map[string]stringList
	if err := json.Unmarshal(b, &kinds); err != nil {
		return false, nil, fmt.Errorf("element Principal: %w", err)
	}
	for kind, values := range kinds {
		switch kind {
		case "AWS", "Service", "Federated", "CanonicalUser":
			anyone = anyone || slices.Contains(values, "*")
			names = append(names, values...)
		default:
			return false, nil, fmt.Errorf("unknown kind of principal %q", kind)
		}
	}
	return anyone, names, nil
}

// strict decodes one JSON value and refuses unknown fields.
func strict(b []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("more than one JSON value")
	}
	return nil
}

func clip(b []byte) string {
	if len(b) > 80 {
		return string(b[:80]) + "…"
	}
	return string(b)
}
