package iam

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// comparison reports whether the request's value satisfies one policy value.
// resolved is false when a variable in the policy value is unset.
type comparison func(have string, want pattern, v values) (ok, resolved bool)

type operator struct {
	compare comparison
	negated bool
	// check refuses policy values that can never be compared.
	check func(string) error
}

func operatorNamed(name string) (operator, bool) {
	switch name {
	case "StringEquals":
		return operator{compare: exactly}, true
	case "StringNotEquals":
		return operator{compare: exactly, negated: true}, true
	case "StringEqualsIgnoreCase":
		return operator{compare: ignoringCase}, true
	case "StringNotEqualsIgnoreCase":
		return operator{compare: ignoringCase, negated: true}, true
	case "StringLike":
		return operator{compare: like}, true
	case "StringNotLike":
		return operator{compare: like, negated: true}, true
	case "ArnEquals", "ArnLike": // AWS: the two behave alike
		return operator{compare: arnLike, check: checkARN}, true
	case "ArnNotEquals", "ArnNotLike":
		return operator{compare: arnLike, negated: true, check: checkARN}, true
	case "Bool":
		return operator{compare: ignoringCase, check: checkBool}, true
	case "IpAddress":
		return operator{compare: inPrefix, check: checkPrefix}, true
	case "NotIpAddress":
		return operator{compare: inPrefix, negated: true, check: checkPrefix}, true
	}
	for suffix, holds := range map[string]func(int) bool{
		"Equals":            func(c int) bool { return c == 0 },
		"LessThan":          func(c int) bool { return c < 0 },
		"LessThanEquals":    func(c int) bool { return c <= 0 },
		"GreaterThan":       func(c int) bool { return c > 0 },
		"GreaterThanEquals": func(c int) bool { return c >= 0 },
	} {
		switch name {
		case "Numeric" + suffix:
			return operator{compare: ordered(numbers, holds), check: checkNumber}, true
		case "Date" + suffix:
			return operator{compare: ordered(dates, holds), check: checkDate}, true
		}
	}
	return operator{}, false
}

// literal is the text of a pattern whose wildcards mean themselves.
func literal(p pattern, v values) (string, bool) {
	runes, ok := p.expand(v)
	if !ok {
		return "", false
	}
	out := make([]rune, len(runes))
	for i, r := range runes {
		switch r {
		case anyRun:
			r = '*'
		case anyOne:
			r = '?'
		}
		out[i] = r
	}
	return string(out), true
}

func exactly(have string, want pattern, v values) (bool, bool) {
	text, ok := literal(want, v)
	return ok && text == have, ok
}

func ignoringCase(have string, want pattern, v values) (bool, bool) {
	text, ok := literal(want, v)
	return ok && strings.EqualFold(text, have), ok
}

func like(have string, want pattern, v values) (bool, bool) { return want.match(have, v) }

// arnLike compares the six parts of an ARN one by one: a wildcard does not
// reach across a colon, except in the last part.
func arnLike(have string, want pattern, v values) (bool, bool) {
	runes, ok := want.expand(v)
	if !ok {
		return false, false
	}
	subject := []rune(have)
	for range 5 {
		wantPart, wantRest, ok1 := cutColon(runes)
		havePart, haveRest, ok2 := cutColon(subject)
		if !ok1 || !ok2 || !glob(wantPart, havePart) {
			return false, true
		}
		runes, subject = wantRest, haveRest
	}
	return glob(runes, subject), true
}

func cutColon(runes []rune) (before, after []rune, ok bool) {
	for i, r := range runes {
		if r == ':' {
			return runes[:i], runes[i+1:], true
		}
	}
	return nil, nil, false
}

func inPrefix(have string, want pattern, v values) (bool, bool) {
	text, ok := literal(want, v)
	addr, err := netip.ParseAddr(have)
	prefix, perr := parsePrefix(text)
	return ok && err == nil && perr == nil && prefix.Contains(addr.Unmap()), ok
}

func ordered(cmp func(have, want string) (int, bool), holds func(int) bool) comparison {
	return func(have string, want pattern, v values) (bool, bool) {
		text, ok := literal(want, v)
		if !ok {
			return false, false
		}
		c, comparable := cmp(have, text)
		return comparable && holds(c), true
	}
}

func numbers(have, want string) (int, bool) {
	a, err1 := strconv.ParseFloat(have, 64)
	b, err2 := strconv.ParseFloat(want, 64)
	switch {
	case err1 != nil || err2 != nil || a != a || b != b:
		return 0, false
	case a < b:
		return -1, true
	case a > b:
		return 1, true
	}
	return 0, true
}

func dates(have, want string) (int, bool) {
	a, err1 := parseDate(have)
	b, err2 := parseDate(want)
	return a.Compare(b), err1 == nil && err2 == nil
}

func parseDate(s string) (time.Time, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(n, 0), nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, s)
}

func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Prefix{}, err
		}
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}

func checkARN(s string) error {
	if s != "*" && strings.Count(s, ":") < 5 {
		return fmt.Errorf("%q is not an ARN", s)
	}
	return nil
}

func checkBool(s string) error {
	if !strings.EqualFold(s, "true") && !strings.EqualFold(s, "false") {
		return fmt.Errorf("%q is neither true nor false", s)
	}
	return nil
}

func checkNumber(s string) error {
	_, err := strconv.ParseFloat(s, 64)
	return err
}

func checkDate(s string) error {
	_, err := parseDate(s)
	return err
}

func checkPrefix(s string) error {
	_, err := parsePrefix(s)
	return err
}
