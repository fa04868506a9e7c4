package iam

import (
	"fmt"
	"strings"
)

// Request is one action on one resource.
type Request struct {
	Action   string // for example "iot:Publish"
	Resource string // ARN
	// Principal is compared with the Principal of resource and trust policies;
	// empty means that the documents are the principal's own and Principal is
	// not looked at.
	Principal string
	// Variables are policy variables and condition keys by name, for example
	// "iot:ClientId"; names are compared without regard to case. A variable that
	// is missing or empty never matches.
	Variables map[string]string
	// Lists are condition keys with any number of values, for example
	// "iot:ConnectAttributes".
	Lists map[string][]string
}

// Decision is the outcome of Evaluate. The zero value denies.
type Decision struct {
	Allowed bool
	Denied  bool   // a Deny statement applied
	Reason  string // for logs; names the statement that decided
}

// Evaluate decides r: any Deny statement that applies wins, else any Allow
// statement grants, else nothing does.
func Evaluate(docs []Document, r Request) Decision {
	v := values{single: r.Variables, lists: r.Lists}
	allowed := ""
	for d := range docs {
		for i := range docs[d].statements {
			s := &docs[d].statements[i]
			if !s.applies(r, v) {
				continue
			}
			name := fmt.Sprintf("document %d statement %d", d+1, i+1)
			if s.sid != "" {
				name += " (" + s.sid + ")"
			}
			if s.deny {
				return Decision{Denied: true, Reason: "denied by " + name}
			}
			if allowed == "" {
				allowed = name
			}
		}
	}
	if allowed == "" {
		return Decision{Reason: "no statement allows " + r.Action}
	}
	return Decision{Allowed: true, Reason: "allowed by " + allowed}
}

// applies errs on the side of refusing where a variable has no value: an Allow
// does not apply by virtue of "not" (NotResource, StringNotEquals) something
// unknown, while a Deny does.
func (s *statement) applies(r Request, v values) bool {
	if r.Principal != "" && !s.names(r.Principal) {
		return false
	}
	if anyMatch(s.actions, strings.ToLower(r.Action), v, s.notActions, s.deny) == s.notActions {
		return false
	}
	if len(s.resources) > 0 && anyMatch(s.resources, r.Resource, v, s.notResource, s.deny) == s.notResource {
		return false
	}
	for _, c := range s.conditions {
		ok, resolved := c.holds(v)
		if c.negated && !resolved {
			ok = s.deny
		}
		if !ok {
			return false
		}
	}
	return true
}

func (s *statement) names(principal string) bool {
	if s.anyone {
		return true
	}
	for _, p := range s.principals {
		if p == principal {
			return true
		}
	}
	return false
}

// anyMatch reports whether subject matches one of patterns. For a negated
// element of an Allow, an unresolved pattern counts as matched, so that the
// statement does not apply.
func anyMatch(patterns []pattern, subject string, v values, negated, deny bool) bool {
	for _, p := range patterns {
		matched, resolved := p.match(subject, v)
		if matched || !resolved && negated && !deny {
			return true
		}
	}
	return false
}
