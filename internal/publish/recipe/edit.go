package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Name is the component's name; empty where the recipe has none.
func (r *Recipe) Name() string { return text(r.tree, "ComponentName") }

// Architecture is what a manifest's platform calls a Go architecture.
func Architecture(goarch string) string {
	if goarch == "arm64" {
		return "aarch64"
	}
	return goarch
}

// Fill replaces words in all values: those of the placeholders and no others.
func (r *Recipe) Fill(words map[string]string) {
	var pairs []string
	for _, word := range sortedKeys(words) {
		pairs = append(pairs, word, words[word])
	}
	replacer := strings.NewReplacer(pairs...)
	r.tree, _ = mapTexts(r.tree, replacer.Replace).(yaml.MapSlice)
}

func mapTexts(value any, change func(string) string) any {
	switch v := value.(type) {
	case string:
		return change(v)
	case yaml.MapSlice:
		out := make(yaml.MapSlice, len(v))
		for i, item := range v {
			out[i] = yaml.MapItem{Key: item.Key, Value: mapTexts(item.Value, change)}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = mapTexts(item, change)
		}
		return out
	default:
		return v
	}
}

// Keep drops the manifests of other architectures, given as Go names them.
func (r *Recipe) Keep(goarch []string) {
	var kept []any
	for _, m := range r.manifests() {
		platform := section(m, "Platform")
		if slices.ContainsFunc(goarch, func(a string) bool { return text(platform, "architecture") == Architecture(a) }) {
			kept = append(kept, m)
		}
	}
	r.tree = set(r.tree, "Manifests", kept)
}

// AddArtifacts lists further files in every manifest, as neighbors of its
// first artifact and with the same permissions.
func (r *Recipe) AddArtifacts(files []string) error {
	var manifests []any
	for i, m := range r.manifests() {
		artifacts, _ := get(m, "Artifacts").([]any)
		if len(artifacts) == 0 {
			return &RuleError{Path: index("Manifests", i) + ".Artifacts", What: "none", Cure: "list one, which the others follow"}
		}
		pattern, _ := artifacts[0].(yaml.MapSlice)
		uri := text(pattern, "Uri")
		artifacts = slices.Clone(artifacts)
		for _, file := range files {
			artifacts = append(artifacts, set(slices.Clone(pattern), "Uri", uri[:strings.LastIndexByte(uri, '/')+1]+file))
		}
		manifests = append(manifests, set(slices.Clone(m), "Artifacts", artifacts))
	}
	r.tree = set(r.tree, "Manifests", manifests)
	return nil
}

// Files are the names of the artifacts, each once, in order.
func (r *Recipe) Files() (names []string) {
	for _, m := range r.manifests() {
		artifacts, _ := get(m, "Artifacts").([]any)
		for _, a := range artifacts {
			artifact, _ := a.(yaml.MapSlice)
			uri := text(artifact, "Uri")
			if name := uri[strings.LastIndexByte(uri, '/')+1:]; name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Merge lays another recipe, or a part of one, over this one: mappings are
// merged, anything else is replaced. A manifest is merged into each manifest
// here that has all of its platform.
func (r *Recipe) Merge(over *Recipe) error {
	rest := slices.DeleteFunc(slices.Clone(over.tree), func(i yaml.MapItem) bool { return i.Key == "Manifests" })
	merged := merge(r.tree, rest)
	manifests := r.manifests()
	for i, layer := range over.manifests() {
		used := false
		for j, m := range manifests {
			if within(section(layer, "Platform"), section(m, "Platform")) {
				manifests[j], used = merge(m, layer), true
			}
		}
		if !used {
			return &RuleError{Path: index("Manifests", i) + ".Platform", What: "the recipe below has no such platform",
				Cure: "name a platform it has"}
		}
	}
	list := make([]any, len(manifests))
	for i, m := range manifests {
		list[i] = m
	}
	r.tree = set(merged, "Manifests", list)
	return nil
}

func merge(base, over yaml.MapSlice) yaml.MapSlice {
	out := slices.Clone(base)
	for _, item := range over {
		key, _ := item.Key.(string)
		below, isMap := get(out, key).(yaml.MapSlice)
		layer, alsoMap := item.Value.(yaml.MapSlice)
		if isMap && alsoMap {
			out = set(out, key, merge(below, layer))
		} else {
			out = set(out, key, item.Value)
		}
	}
	return out
}

// within says whether every entry of part is in whole.
func within(part, whole yaml.MapSlice) bool {
	for _, item := range part {
		key, _ := item.Key.(string)
		if fmt.Sprint(get(whole, key)) != fmt.Sprint(item.Value) {
			return false
		}
	}
	return true
}

func (r *Recipe) manifests() (list []yaml.MapSlice) {
	items, _ := get(r.tree, "Manifests").([]any)
	for _, item := range items {
		if m, ok := item.(yaml.MapSlice); ok {
			list = append(list, m)
		}
	}
	return list
}

func get(m yaml.MapSlice, key string) any {
	for _, item := range m {
		if item.Key == key {
			return item.Value
		}
	}
	return nil
}

// set returns m with the key's value changed, or added at the end.
func set(m yaml.MapSlice, key string, value any) yaml.MapSlice {
	m = slices.Clone(m)
	for i := range m {
		if m[i].Key == key {
			m[i].Value = value
			return m
		}
	}
	return append(m, yaml.MapItem{Key: key, Value: value})
}

func section(m yaml.MapSlice, key string) yaml.MapSlice {
	s, _ := get(m, key).(yaml.MapSlice)
	return s
}

func text(m yaml.MapSlice, key string) string {
	s, _ := get(m, key).(string)
	return s
}
