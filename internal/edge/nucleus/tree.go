package nucleus

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"porchlight/internal/config"
)

// mostNames bounds camera_names; config takes no more cameras.
const mostNames = 32

// cameraNames reads camera_names, a list or a text with commas. Not given: all
// cameras that there are.
func cameraNames(tree map[string]any) (names []string, given bool, err error) {
	bad := fmt.Errorf("%w: %s: want a list of names, or a text like \"front,yard\"", ErrSettings, namesKey)
	var words []string
	switch value := tree[namesKey].(type) {
	case nil:
		return nil, false, nil
	case string:
		words = strings.Split(value, ",")
	case []any:
		for _, item := range value {
			word, ok := item.(string)
			if !ok {
				return nil, false, bad
			}
			words = append(words, word)
		}
	default:
		return nil, false, bad
	}
	for _, word := range words {
		if word = strings.TrimSpace(word); word != "" && !slices.Contains(names, word) {
			names = append(names, word)
		}
	}
	if len(names) > mostNames {
		return nil, false, fmt.Errorf("%w: %s: %d names: want at most %d", ErrSettings, namesKey, len(names), mostNames)
	}
	return names, len(names) > 0, nil
}

// whole makes the tree of a configuration that came in one piece.
func (s *Settings) whole(text json.RawMessage) (map[string]any, error) {
	value, err := decode(text)
	if err != nil {
		return nil, err
	}
	given, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: it is not a section", ErrSettings)
	}
	tree, unknown := map[string]any{}, []string{}
	for key, value := range lowerKeys(given) {
		switch {
		case slices.Contains(config.Keys(), key) || key == namesKey:
			if value != nil {
				tree[key] = value
			}
		case key != "accesscontrol":
			unknown = append(unknown, key)
		}
	}
	if len(unknown) > 0 {
		// What an older version knew survives in the configuration of a device.
		slices.Sort(unknown)
		s.n.cfg.Log.Warn("keys of the configuration are not known and have no effect", "keys", unknown)
	}
	names, listed, err := cameraNames(tree)
	if err != nil {
		return nil, err
	}
	delete(tree, namesKey)
	if all, ok := tree[camerasKey].(map[string]any); ok && listed {
		cameras := map[string]any{}
		for _, name := range names {
			cameras[name] = all[name]
		}
		tree[camerasKey] = cameras
	}
	return s.complete(tree), nil
}

// stateDir is that of the recipe, below the work folder.
const stateDir = "state"

// complete fills in what the nucleus knows, and makes of keys what config
// knows them as.
func (s *Settings) complete(tree map[string]any) map[string]any {
	for key, value := range tree {
		tree[key] = normal(key, value)
	}
	if given := tree["thing"]; given != nil && given != "" && given != s.n.thing {
		s.n.cfg.Log.Warn("the key thing has no effect under Greengrass: leave it empty", "thing", s.n.thing)
	}
	tree["thing"] = s.n.thing
	if dir := tree["state_dir"]; dir == nil || dir == "" {
		tree["state_dir"] = stateDir
	}
	cloud, isSection := tree["cloud"].(map[string]any)
	if region := cloud["region"]; s.n.region != "" && (isSection || tree["cloud"] == nil) && (region == nil || region == "") {
		section := map[string]any{"region": s.n.region}
		for key, value := range cloud {
			if key != "region" {
				section[key] = value
			}
		}
		tree["cloud"] = section
	}
	return tree
}

// normal makes the keys below a top-level key lower case: the Java nucleus
// does not look at their case and keeps the one it saw first. Names of cameras
// are the owner's and stay.
func normal(key string, value any) any {
	section, ok := value.(map[string]any)
	if !ok {
		return value
	}
	if key != camerasKey {
		return lower(section)
	}
	cameras := map[string]any{}
	for name, camera := range section {
		cameras[name] = lower(camera)
	}
	return cameras
}

func lower(value any) any {
	switch v := value.(type) {
	case map[string]any:
		section := lowerKeys(v)
		for key, inner := range section {
			section[key] = lower(inner)
		}
		return section
	case []any:
		items := make([]any, len(v))
		for i, inner := range v {
			items[i] = lower(inner)
		}
		return items
	}
	return value
}

// lowerKeys leaves a key as it is where both forms are there, so that it is
// refused as one that is not known.
func lowerKeys(section map[string]any) map[string]any {
	out := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(section)) {
		small := strings.ToLower(key)
		if _, taken := section[small]; taken {
			small = key
		}
		out[small] = section[key]
	}
	return out
}
