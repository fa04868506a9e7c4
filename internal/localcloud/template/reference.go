package template

import (
	"fmt"
	"regexp"
	"strings"
)

func (r *resolver) ref(name string) (any, error) {
	switch name {
	case "AWS::Region":
		return r.env.Region, nil
	case "AWS::AccountId":
		return r.env.AccountID, nil
	case "AWS::Partition":
		return r.env.Partition, nil
	case "AWS::StackName":
		return r.env.StackName, nil
	case "AWS::StackId":
		return fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/%s", r.env.Partition, r.env.Region,
			r.env.AccountID, r.env.StackName, uuid(r.env.StackName, "stack")), nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	case "AWS::NotificationARNs":
		return []any{}, nil
	case "AWS::NoValue":
		return noValue{}, nil
	}
	if p, ok := r.doc.Parameters[name]; ok {
		return r.parameter(name, p)
	}
	res, err := r.known(name)
	if err != nil {
		return nil, err
	}
	return res.PhysicalID, nil
}

// parameter gives the value of a parameter. One of type SSM parameter is
// given its default, which is the path: nothing here reads the parameter store.
func (r *resolver) parameter(name string, p parameter) (any, error) {
	value, given := r.env.Parameters[name]
	if !given {
		if p.Default == nil {
			return nil, fmt.Errorf("%w: parameter %s has no default: give it a value", ErrInvalid, name)
		}
		s, err := scalar(p.Default)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		value = s
	}
	if p.Type == "CommaDelimitedList" || strings.HasPrefix(p.Type, "List<") {
		var list []any
		for _, s := range strings.Split(value, ",") {
			list = append(list, strings.TrimSpace(s))
		}
		return list, nil
	}
	return value, nil
}

func (r *resolver) known(id string) (*Resource, error) {
	if res, ok := r.resources[id]; ok {
		return res, nil
	}
	return nil, fmt.Errorf("%w: %q is no parameter or resource of this stack", ErrInvalid, id)
}

func (r *resolver) getAtt(arg any) (any, error) {
	id, attr, err := getAttTarget(arg)
	if err != nil {
		return nil, err
	}
	res, err := r.known(id)
	if err != nil {
		return nil, err
	}
	v, ok := res.Attributes[attr]
	if !ok {
		return nil, fmt.Errorf("%w: %s of %s (%s); known are %s", ErrUnknownAttribute, attr, id, res.Type,
			strings.Join(sortedKeys(res.Attributes), ", "))
	}
	return v, nil
}

// getAttTarget accepts both spellings: ["Id", "Attr"] and "Id.Attr".
func getAttTarget(arg any) (id, attr string, err error) {
	if s, ok := arg.(string); ok {
		id, attr, ok = strings.Cut(s, ".")
		if ok {
			return id, attr, nil
		}
	}
	if list, ok := arg.([]any); ok && len(list) == 2 {
		id, isID := list[0].(string)
		attr, isAttr := list[1].(string)
		if isID && isAttr {
			return id, attr, nil
		}
	}
	return "", "", fmt.Errorf("%w: wants a logical id and an attribute", ErrInvalid)
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

func (r *resolver) sub(arg any, path string) (any, error) {
	text, vars, err := subParts(arg)
	if err != nil {
		return nil, err
	}
	var firstErr error
	out := placeholder.ReplaceAllStringFunc(text, func(m string) string {
		name := m[2 : len(m)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		s, err := r.subOne(strings.TrimSpace(name), vars, path)
		if err != nil && firstErr == nil {
			firstErr = err
		}
		return s
	})
	return out, firstErr
}

func (r *resolver) subOne(name string, vars map[string]any, path string) (string, error) {
	var v any
	var err error
	switch expr, local := vars[name]; {
	case local:
		v, err = r.value(expr, path)
	case strings.Contains(name, "."):
		v, err = r.getAtt(name)
	default:
		v, err = r.ref(name)
	}
	if err != nil {
		return "", err
	}
	return scalar(v)
}

func subParts(arg any) (string, map[string]any, error) {
	switch arg := arg.(type) {
	case string:
		return arg, nil, nil
	case []any:
		if len(arg) == 2 {
			text, ok := arg[0].(string)
			vars, isMap := arg[1].(map[string]any)
			if ok && isMap {
				return text, vars, nil
			}
		}
	}
	return "", nil, fmt.Errorf("%w: wants a text, or a text and variables", ErrInvalid)
}

func (r *resolver) importValue(name string) (any, error) {
	for _, key := range sortedKeys(r.doc.Outputs) {
		out := r.doc.Outputs[key]
		if out.Export.Name == nil || r.evaluating["export "+key] {
			continue
		}
		r.evaluating["export "+key] = true
		exported, err := r.text(out.Export.Name)
		if err == nil && exported == name {
			v, err := r.text(out.Value)
			delete(r.evaluating, "export "+key)
			return v, err
		}
		delete(r.evaluating, "export "+key)
		if err != nil {
			return nil, fmt.Errorf("export of output %s: %w", key, err)
		}
	}
	return nil, fmt.Errorf("%w: no output exports %q", ErrInvalid, name)
}
