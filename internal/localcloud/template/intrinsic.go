package template

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// noValue is what AWS::NoValue resolves to: the property or element vanishes.
type noValue struct{}

// value resolves one expression; path says where it stands, for messages.
func (r *resolver) value(v any, path string) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if fn, arg, ok := intrinsic(v); ok {
			out, err := r.call(fn, arg, path)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", path, fn, err)
			}
			return out, nil
		}
		out := make(map[string]any, len(v))
		for k, e := range v {
			x, err := r.value(e, path+"."+k)
			if err != nil {
				return nil, err
			}
			if _, gone := x.(noValue); !gone {
				out[k] = x
			}
		}
		return out, nil
	case []any:
		out := make([]any, 0, len(v))
		for i, e := range v {
			x, err := r.value(e, path+"["+strconv.Itoa(i)+"]")
			if err != nil {
				return nil, err
			}
			if _, gone := x.(noValue); !gone {
				out = append(out, x)
			}
		}
		return out, nil
	default:
		return v, nil
	}
}

// intrinsic reports whether an object is a function call: one key, Ref or Fn::…
func intrinsic(m map[string]any) (fn string, arg any, ok bool) {
	if len(m) != 1 {
		return "", nil, false
	}
	for k, v := range m {
		if k == "Ref" || strings.HasPrefix(k, "Fn::") {
			return k, v, true
		}
	}
	return "", nil, false
}

func (r *resolver) call(fn string, arg any, path string) (any, error) {
	switch fn {
	case "Ref":
		name, ok := arg.(string)
		if !ok {
			return nil, fmt.Errorf("%w: wants a name", ErrInvalid)
		}
		return r.ref(name)
	case "Fn::GetAtt":
		return r.getAtt(arg)
	case "Fn::Sub":
		return r.sub(arg, path)
	case "Fn::If":
		return r.ifElse(arg, path)
	case "Fn::ImportValue":
		name, err := r.text(arg)
		if err != nil {
			return nil, err
		}
		return r.importValue(name)
	case "Fn::GetAZs":
		return []any{r.env.Region + "a", r.env.Region + "b"}, nil
	}
	// What remains takes a list whose elements may be expressions themselves.
	x, err := r.value(arg, path)
	if err != nil {
		return nil, err
	}
	args, ok := x.([]any)
	if !ok {
		return nil, fmt.Errorf("%w: wants a list", ErrInvalid)
	}
	switch fn {
	case "Fn::Join":
		return join(args)
	case "Fn::Select":
		return selectOne(args)
	case "Fn::Split":
		return split(args)
	case "Fn::FindInMap":
		return r.findInMap(args)
	}
	return nil, fmt.Errorf("%w: the function is not supported", ErrInvalid)
}

func (r *resolver) ifElse(arg any, path string) (any, error) {
	args, ok := arg.([]any)
	if !ok || len(args) != 3 {
		return nil, fmt.Errorf("%w: wants condition, then, else", ErrInvalid)
	}
	name, ok := args[0].(string)
	if !ok || name == "" {
		return nil, fmt.Errorf("%w: wants the name of a condition", ErrInvalid)
	}
	on, err := r.enabled(name)
	if err != nil {
		return nil, err
	}
	if on {
		return r.value(args[1], path)
	}
	return r.value(args[2], path)
}

// text resolves an expression that must give a plain value.
func (r *resolver) text(v any) (string, error) {
	x, err := r.value(v, "value")
	if err != nil {
		return "", err
	}
	return scalar(x)
}

func scalar(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return "", fmt.Errorf("%w: wants a text, number or boolean, not %T", ErrInvalid, v)
}
