package template

import (
	"fmt"
	"strings"
)

// order sorts the resources so that each stands after all it refers to;
// ties go by logical id, so the order is the same on every start.
func (r *resolver) order() ([]string, error) {
	const (
		visiting = 1
		done     = 2
	)
	state := map[string]int{}
	var out, path []string
	var visit func(id string) error
	visit = func(id string) error {
		switch state[id] {
		case done:
			return nil
		case visiting:
			return fmt.Errorf("%w: %s", ErrCycle, strings.Join(append(cycleFrom(path, id), id), " → "))
		}
		state[id] = visiting
		path = append(path, id)
		for _, dep := range r.dependencies(id) {
			if err := visit(dep); err != nil {
				return err
			}
		}
		path = path[:len(path)-1]
		state[id] = done
		out = append(out, id)
		return nil
	}
	for _, id := range sortedKeys(r.doc.Resources) {
		if err := visit(id); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func cycleFrom(path []string, id string) []string {
	for i, p := range path {
		if p == id {
			return path[i:]
		}
	}
	return path
}

// dependencies lists the resources one resource refers to or depends on.
func (r *resolver) dependencies(id string) []string {
	found := map[string]bool{}
	add := func(name string) {
		if _, ok := r.doc.Resources[name]; ok {
			found[name] = true
		}
	}
	raw := r.doc.Resources[id]
	switch on := raw.DependsOn.(type) {
	case string:
		add(on)
	case []any:
		for _, e := range on {
			if s, ok := e.(string); ok {
				add(s)
			}
		}
	}
	r.references(raw.Properties, add, map[string]bool{})
	r.references(raw.Metadata, add, map[string]bool{})
	return sortedKeys(found)
}

// references calls add for each name an expression mentions, following imports to the exporting output.
func (r *resolver) references(v any, add func(string), outputs map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			r.references(e, add, outputs)
		}
	case map[string]any:
		if fn, arg, ok := intrinsic(v); ok {
			switch fn {
			case "Ref":
				if s, ok := arg.(string); ok {
					add(s)
				}
			case "Fn::GetAtt":
				if id, _, err := getAttTarget(arg); err == nil {
					add(id)
				}
			case "Fn::Sub":
				if text, _, err := subParts(arg); err == nil {
					for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
						name, _, _ := strings.Cut(strings.TrimSpace(m[1]), ".")
						add(name)
					}
				}
			case "Fn::ImportValue":
				for name, out := range r.doc.Outputs {
					if out.Export.Name != nil && !outputs[name] && r.exports(name, arg) {
						outputs[name] = true
						r.references(out.Value, add, outputs)
					}
				}
			}
		}
		for _, e := range v {
			r.references(e, add, outputs)
		}
	}
}

// exports reports whether an output is the one an import names. Export names
// hold no resource references, so both sides resolve before any resource does.
func (r *resolver) exports(outputName string, importArg any) bool {
	wanted, err := r.text(importArg)
	if err != nil {
		return false
	}
	name, err := r.text(r.doc.Outputs[outputName].Export.Name)
	return err == nil && name == wanted
}
