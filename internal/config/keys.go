package config

import "reflect"

// Keys are the names of the top-level keys, in the order of Config.
func Keys() []string { return keysOf(reflect.TypeFor[Config]()) }

// CameraKeys are the keys of one camera's section.
func CameraKeys() []string { return keysOf(reflect.TypeFor[Camera]()) }

func keysOf(section reflect.Type) []string {
	keys := make([]string, section.NumField())
	for i := range keys {
		keys[i] = section.Field(i).Tag.Get("config")
	}
	return keys
}
