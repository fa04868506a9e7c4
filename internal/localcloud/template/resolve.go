package template

import (
	"errors"
	"fmt"
	"strings"
)

type resolver struct {
	env        Environment
	doc        document
	conditions map[string]bool
	evaluating map[string]bool // conditions and exports on the current path, to stop loops
	resources  map[string]*Resource
	types      map[string]kind
}

func newResolver(env Environment, doc document) *resolver {
	return &resolver{
		env: env, doc: doc, conditions: map[string]bool{},
		evaluating: map[string]bool{}, resources: map[string]*Resource{}, types: types(),
	}
}

func (r *resolver) run() (*Stack, error) {
	if err := r.checkTypes(); err != nil {
		return nil, err
	}
	order, err := r.order()
	if err != nil {
		return nil, err
	}
	stack := &Stack{Environment: r.env, Outputs: map[string]string{}, byID: r.resources}
	for _, id := range order {
		res, err := r.resource(id)
		if err != nil {
			return nil, err
		}
		r.resources[id] = res
		stack.Resources = append(stack.Resources, res)
	}
	for _, name := range sortedKeys(r.doc.Outputs) {
		out := r.doc.Outputs[name]
		on, err := r.enabled(out.Condition)
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", name, err)
		}
		if !on {
			continue
		}
		v, err := r.text(out.Value)
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", name, err)
		}
		stack.Outputs[name] = v
	}
	return stack, nil
}

// checkTypes drops resources whose condition is false and reports every type without an entry in the table.
func (r *resolver) checkTypes() error {
	var unknown []string
	for _, id := range sortedKeys(r.doc.Resources) {
		raw := r.doc.Resources[id]
		on, err := r.enabled(raw.Condition)
		if err != nil {
			return fmt.Errorf("resource %s: %w", id, err)
		}
		if !on || raw.Type == "AWS::CDK::Metadata" {
			delete(r.doc.Resources, id)
			continue
		}
		if _, ok := r.types[raw.Type]; !ok {
			unknown = append(unknown, fmt.Sprintf("%s (%s)", id, raw.Type))
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("%w: %s: remove it from the template, or teach the local cloud this type",
			ErrUnknownType, strings.Join(unknown, ", "))
	}
	return nil
}

func (r *resolver) resource(id string) (*Resource, error) {
	raw := r.doc.Resources[id]
	where := fmt.Sprintf("resource %s (%s)", id, raw.Type)
	props, err := r.object(raw.Properties, "Properties")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	meta, err := r.object(raw.Metadata, "Metadata")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	res := &Resource{LogicalID: id, Type: raw.Type, Properties: props, Metadata: meta}
	if err := r.types[raw.Type].identify(r.env, res); err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return res, nil
}

func (r *resolver) object(in map[string]any, path string) (map[string]any, error) {
	v, err := r.value(in, path)
	if err != nil {
		return nil, err
	}
	out, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: %s is not an object", ErrInvalid, path)
	}
	return out, nil
}

// enabled evaluates a named condition; no name means yes.
func (r *resolver) enabled(name string) (bool, error) {
	if name == "" {
		return true, nil
	}
	if v, ok := r.conditions[name]; ok {
		return v, nil
	}
	expr, ok := r.doc.Conditions[name]
	if !ok {
		return false, fmt.Errorf("%w: condition %q is not defined", ErrInvalid, name)
	}
	if r.evaluating["condition "+name] {
		return false, fmt.Errorf("%w: condition %q refers to itself", ErrCycle, name)
	}
	r.evaluating["condition "+name] = true
	defer delete(r.evaluating, "condition "+name)
	v, err := r.condition(expr)
	if err != nil {
		return false, fmt.Errorf("condition %s: %w", name, err)
	}
	r.conditions[name] = v
	return v, nil
}

func (r *resolver) condition(expr any) (bool, error) {
	m, ok := expr.(map[string]any)
	if !ok || len(m) != 1 {
		return false, fmt.Errorf("%w: not a condition function", ErrInvalid)
	}
	for fn, arg := range m {
		switch fn {
		case "Condition":
			name, ok := arg.(string)
			if !ok || name == "" {
				return false, fmt.Errorf("%w: Condition wants a name", ErrInvalid)
			}
			return r.enabled(name)
		case "Fn::Equals":
			args, ok := arg.([]any)
			if !ok || len(args) != 2 {
				return false, fmt.Errorf("%w: Fn::Equals wants two values", ErrInvalid)
			}
			a, errA := r.text(args[0])
			b, errB := r.text(args[1])
			return a == b, errors.Join(errA, errB)
		case "Fn::Not", "Fn::And", "Fn::Or":
			args, ok := arg.([]any)
			if !ok || len(args) == 0 || (fn == "Fn::Not" && len(args) != 1) {
				return false, fmt.Errorf("%w: %s wants a list of conditions", ErrInvalid, fn)
			}
			return r.logical(fn, args)
		}
	}
	return false, fmt.Errorf("%w: unknown condition function %s", ErrInvalid, sortedKeys(m)[0])
}

func (r *resolver) logical(fn string, args []any) (bool, error) {
	all, some := true, false
	for _, a := range args {
		v, err := r.condition(a)
		if err != nil {
			return false, err
		}
		all, some = all && v, some || v
	}
	switch fn {
	case "Fn::Not":
		return !all, nil
	case "Fn::And":
		return all, nil
	default:
		return some, nil
	}
}
