package config

import (
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
)

// decode fills the struct that into points to from tree. Fields that tree
// does not mention keep what they hold, which is how defaults work. It is
// written out here because its errors must name the path of the bad value
// and list the keys that exist, for cameras of any name.
func decode(tree map[string]any, into *Config) error {
	return decodeStruct("", tree, reflect.ValueOf(into).Elem())
}

func decodeStruct(path string, tree map[string]any, into reflect.Value) error {
	fields := map[string]reflect.Value{}
	var known []string
	for i := range into.NumField() {
		name := into.Type().Field(i).Tag.Get("config")
		fields[name] = into.Field(i)
		known = append(known, name)
	}
	for _, key := range sortedKeys(tree) {
		at := join(path, key)
		field, ok := fields[key]
		if !ok {
			sort.Strings(known)
			return fmt.Errorf("%w: %s: unknown key; the keys here are %s", ErrInvalid, at, strings.Join(known, ", "))
		}
		if err := decodeValue(at, tree[key], field); err != nil {
			return err
		}
	}
	return nil
}

func decodeValue(path string, value any, into reflect.Value) error {
	bad := func(want string) error {
		return fmt.Errorf("%w: %s: %v: want %s", ErrInvalid, path, brief(value), want)
	}
	text := strings.TrimSpace(fmt.Sprint(value))
	switch target := into.Addr().Interface().(type) {
	case *string:
		switch value.(type) {
		case map[string]any, []any, nil:
			return bad("a text")
		}
		*target = text
	case *bool:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return bad("true or false")
		}
		*target = v
	case *int:
		v, err := wholeNumber(text)
		if err != nil {
			return bad("a whole number")
		}
		*target = int(v)
	case *int64:
		v, err := parseBytes(text)
		if err != nil {
			return bad("a size like 64MB")
		}
		*target = v
	case *float64:
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return bad("a number")
		}
		*target = v
	case *time.Duration:
		v, err := time.ParseDuration(text)
		if err != nil {
			return bad("a duration like 5s or 12h")
		}
		*target = v
	case *[]string:
		list, ok := value.([]any)
		if !ok {
			return bad("a list of texts")
		}
		*target = nil
		for i, item := range list {
			var s string
			if err := decodeValue(fmt.Sprintf("%s[%d]", path, i), item, reflect.ValueOf(&s).Elem()); err != nil {
				return err
			}
			*target = append(*target, s)
		}
	case *map[string]Camera:
		tree, ok := value.(map[string]any)
		if !ok {
			return bad("one section per camera, by name")
		}
		*target = map[string]Camera{}
		for _, name := range sortedKeys(tree) {
			section, ok := tree[name].(map[string]any)
			if !ok {
				return fmt.Errorf("%w: %s: want a section with at least a source", ErrInvalid, join(path, name))
			}
			camera := CameraDefaults()
			if err := decodeStruct(join(path, name), section, reflect.ValueOf(&camera).Elem()); err != nil {
				return err
			}
			(*target)[name] = camera
		}
	default:
		tree, ok := value.(map[string]any)
		if !ok {
			return bad("a section")
		}
		return decodeStruct(path, tree, into)
	}
	return nil
}

// wholeNumber also takes 5.0, which is what some nuclei make of 5.
func wholeNumber(text string) (int64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != float64(int64(f)) {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	return int64(f), nil
}

func parseBytes(text string) (int64, error) {
	unit := int64(1)
	for suffix, size := range map[string]int64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30} {
		if rest, ok := strings.CutSuffix(strings.ToUpper(text), suffix); ok {
			text, unit = strings.TrimSpace(rest), size
			break
		}
	}
	v, err := wholeNumber(text)
	return v * unit, err
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// redact takes user names and passwords out of addresses: errors get logged.
func redact(text string) string {
	return regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s"]*@`).ReplaceAllString(text, "${1}***@")
}

func brief(v any) string {
	s := redact(fmt.Sprintf("%v", v))
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return s
}
