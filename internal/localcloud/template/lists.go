package template

import (
	"fmt"
	"strconv"
	"strings"
)

func join(args []any) (any, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("%w: wants a delimiter and a list", ErrInvalid)
	}
	sep, ok := args[0].(string)
	list, isList := args[1].([]any)
	if !ok || !isList {
		return nil, fmt.Errorf("%w: wants a delimiter and a list", ErrInvalid)
	}
	parts := make([]string, len(list))
	for i, e := range list {
		s, err := scalar(e)
		if err != nil {
			return nil, err
		}
		parts[i] = s
	}
	return strings.Join(parts, sep), nil
}

func selectOne(args []any) (any, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("%w: wants an index and a list", ErrInvalid)
	}
	text, err := scalar(args[0])
	if err != nil {
		return nil, err
	}
	list, ok := args[1].([]any)
	i, err := strconv.Atoi(text)
	if !ok || err != nil || i < 0 || i >= len(list) {
		return nil, fmt.Errorf("%w: index %q does not fit the list of %d", ErrInvalid, text, len(list))
	}
	return list[i], nil
}

func split(args []any) (any, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("%w: wants a delimiter and a text", ErrInvalid)
	}
	sep, ok := args[0].(string)
	text, isText := args[1].(string)
	if !ok || !isText || sep == "" {
		return nil, fmt.Errorf("%w: wants a delimiter and a text", ErrInvalid)
	}
	var out []any
	for _, s := range strings.Split(text, sep) {
		out = append(out, s)
	}
	return out, nil
}

func (r *resolver) findInMap(args []any) (any, error) {
	keys := make([]string, len(args))
	for i, a := range args {
		s, err := scalar(a)
		if err != nil {
			return nil, err
		}
		keys[i] = s
	}
	if len(keys) != 3 {
		return nil, fmt.Errorf("%w: wants a map and two keys", ErrInvalid)
	}
	v, ok := r.doc.Mappings[keys[0]][keys[1]][keys[2]]
	if !ok {
		return nil, fmt.Errorf("%w: no entry %s", ErrInvalid, strings.Join(keys, "."))
	}
	return v, nil
}
