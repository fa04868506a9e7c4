package httpapi

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	anyMethod    = "ANY"
	defaultRoute = "$default"
)

// route is one route key with what serves it.
type route struct {
	key, method, path string
	segments          []segment

	function  string // ARN
	timeout   time.Duration
	auth      *authorizer // nil: open
	scopes    []string
	throttle  *bucket
	permitted bool
}

// segment is one part of a route's path. Kinds are in order of priority.
type segment struct {
	kind segmentKind
	text string // literal, or the parameter's name
}

type segmentKind int

const (
	literal   segmentKind = iota
	parameter             // {name}
	greedy                // {name+}, last
)

func parseRoute(key string) (*route, error) {
	r := &route{key: key}
	if key == defaultRoute {
		return r, nil
	}
	var found bool
	r.method, r.path, found = strings.Cut(key, " ")
	if !found || !strings.HasPrefix(r.path, "/") {
		return nil, errors.New(`a route key is "METHOD /path" or "$default"`)
	}
	parts := split(r.path)
	for i, part := range parts {
		name, isParam := strings.CutPrefix(part, "{")
		if !isParam {
			r.segments = append(r.segments, segment{literal, part})
			continue
		}
		name, closed := strings.CutSuffix(name, "}")
		name, isGreedy := strings.CutSuffix(name, "+")
		switch {
		case !closed || name == "":
			return nil, fmt.Errorf("%q is no path parameter", part)
		case isGreedy && i < len(parts)-1:
			return nil, fmt.Errorf("%q must be the last part of the path", part)
		case isGreedy:
			r.segments = append(r.segments, segment{greedy, name})
		default:
			r.segments = append(r.segments, segment{parameter, name})
		}
	}
	return r, nil
}

// match returns the most specific route for a request and its path
// parameters, decoded; nil if there is none. Parts of the path are compared
// from the left: a literal beats a parameter beats a greedy one; then the
// method itself beats ANY; $default is last.
func match(routes []*route, method, escapedPath string) (*route, map[string]string) {
	var best *route
	var params map[string]string
	parts := split(escapedPath)
	for _, r := range routes {
		if r.key == defaultRoute {
			if best == nil {
				best, params = r, nil
			}
			continue
		}
		if r.method != method && r.method != anyMethod {
			continue
		}
		if p, ok := r.matchPath(parts); ok && (best == nil || r.beats(best)) {
			best, params = r, p
		}
	}
	return best, params
}

func (r *route) beats(other *route) bool {
	if other.key == defaultRoute {
		return true
	}
	kinds := func(a, b segment) int { return int(a.kind) - int(b.kind) }
	if c := slices.CompareFunc(r.segments, other.segments, kinds); c != 0 {
		return c < 0
	}
	return other.method == anyMethod && r.method != anyMethod
}

func (r *route) matchPath(parts []string) (map[string]string, bool) {
	var params map[string]string
	set := func(name, escaped string) bool {
		value, err := url.PathUnescape(escaped)
		if err != nil || value == "" {
			return false
		}
		if params == nil {
			params = map[string]string{}
		}
		params[name] = value
		return true
	}
	for i, seg := range r.segments {
		if i >= len(parts) {
			return nil, false
		}
		switch seg.kind {
		case greedy:
			return params, set(seg.text, strings.Join(parts[i:], "/"))
		case parameter:
			if !set(seg.text, parts[i]) {
				return nil, false
			}
		case literal:
			if text, err := url.PathUnescape(parts[i]); err != nil || text != seg.text {
				return nil, false
			}
		}
	}
	return params, len(parts) == len(r.segments)
}

// split returns the parts of a path; a closing slash makes an empty last one.
func split(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }
