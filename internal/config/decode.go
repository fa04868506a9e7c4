package config

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
	"time"

	"porchlight/internal/polygon"
)

// mostItems bounds every list and every group of named sections.
const mostItems = 256

// decodeStruct fills into from tree. Fields that tree does not mention keep
// what they hold, which is how defaults work. Decoding is written out here
// because its errors must name the path of the bad value and list the keys
// that exist, for cameras and zones of any name.
//
// A field is named by its tag config; with the tag secret its value is shown
// in no error.
func decodeStruct(path string, tree map[string]any, into reflect.Value) error {
	fields := map[string]int{}
	for i := range into.NumField() {
		fields[into.Type().Field(i).Tag.Get("config")] = i
	}
	for _, key := range sortedKeys(tree) {
		at := join(path, key)
		i, ok := fields[key]
		if !ok {
			return bad(at, "unknown key; the keys here are %s", strings.Join(sortedKeys(fields), ", "))
		}
		secret := into.Type().Field(i).Tag.Get("secret") != "" || holdsSecret(into.Field(i).Type())
		if err := decodeValue(at, tree[key], into.Field(i), secret); err != nil {
			return err
		}
	}
	return nil
}

func decodeValue(path string, value any, into reflect.Value, secret bool) error {
	switch target := into.Addr().Interface().(type) {
	case *time.Duration, *string, *bool, *int, *int64, *float64:
		if want := decodeScalar(value, target); want != "" {
			return unfit(path, value, secret, want)
		}
		return nil
	case *polygon.Polygon:
		poly, err := decodePolygon(value)
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrInvalid, path, err)
		}
		*target = poly
		return nil
	}
	switch into.Kind() {
	case reflect.Slice:
		return decodeList(path, value, into, secret)
	case reflect.Map:
		return decodeNamed(path, value, into, secret)
	case reflect.Struct:
		tree, ok := value.(map[string]any)
		if !ok {
			return unfit(path, value, secret, "a section")
		}
		return decodeStruct(path, tree, into)
	default:
		return bad(path, "a value of type %s cannot be configured", into.Type())
	}
}

func decodeList(path string, value any, into reflect.Value, secret bool) error {
	items, ok := value.([]any)
	if !ok {
		return unfit(path, value, secret, "a list")
	}
	if len(items) > mostItems {
		return bad(path, "%d items: want at most %d", len(items), mostItems)
	}
	into.SetZero() // what is written replaces the default
	for i, item := range items {
		element := reflect.New(into.Type().Elem()).Elem()
		if err := decodeValue(fmt.Sprintf("%s[%d]", path, i), item, element, secret); err != nil {
			return err
		}
		into.Set(reflect.Append(into, element))
	}
	return nil
}

// decodeNamed reads sections by name. An element with defaults starts from
// them.
func decodeNamed(path string, value any, into reflect.Value, secret bool) error {
	tree, ok := value.(map[string]any)
	if !ok {
		return unfit(path, value, secret, "a section for each name")
	}
	if len(tree) > mostItems {
		return bad(path, "%d sections: want at most %d", len(tree), mostItems)
	}
	into.Set(reflect.MakeMap(into.Type()))
	for _, name := range sortedKeys(tree) {
		element := reflect.New(into.Type().Elem())
		if e, ok := element.Interface().(interface{ setDefaults() }); ok {
			e.setDefaults()
		}
		if err := decodeValue(join(path, name), tree[name], element.Elem(), secret); err != nil {
			return err
		}
		if e, ok := element.Interface().(interface{ complete() }); ok {
			e.complete()
		}
		into.SetMapIndex(reflect.ValueOf(name), element.Elem())
	}
	return nil
}

// holdsSecret says whether a value of type t written in the wrong form may
// show a secret.
func holdsSecret(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Map, reflect.Slice:
		return holdsSecret(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).Tag.Get("secret") != "" || holdsSecret(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
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
