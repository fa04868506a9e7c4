package config

import (
	"maps"
	"reflect"
)

// Fault is a camera whose settings cannot be used, and why.
type Fault struct {
	Camera string // its name
	Err    error  // names the path of the bad value
}

// Lenient reads a configuration as Parse does, but settings of a camera that
// cannot be used cost that camera alone: it keeps those it has in last, which
// may be nil, and is left out when it has none. An error is about the rest.
func Lenient(tree map[string]any, last *Config) (*Config, []Fault, error) {
	rest := maps.Clone(tree)
	delete(rest, "cameras")
	c := defaults()
	if err := decodeStruct("", rest, reflect.ValueOf(&c).Elem()); err != nil {
		return nil, nil, err
	}
	c.leaveRegionOpen(tree)
	c.Cameras = map[string]Camera{}
	if err := c.validate(); err != nil {
		return nil, nil, err
	}
	written := map[string]any{}
	if value, ok := tree["cameras"]; ok && value != nil {
		if written, ok = value.(map[string]any); !ok {
			return nil, nil, unfit("cameras", value, true, "a section for each name")
		}
	}
	if len(written) > mostCameras {
		return nil, nil, bad("cameras", "%d cameras: want at most %d", len(written), mostCameras)
	}
	var faults []Fault
	for _, name := range sortedKeys(written) {
		camera, err := c.readCamera(name, written[name])
		if err == nil {
			c.Cameras[name] = camera
			continue
		}
		faults = append(faults, Fault{Camera: name, Err: err})
		if last != nil && last.Thing == c.Thing {
			if before, ok := last.Cameras[name]; ok {
				c.Cameras[name] = before
			}
		}
	}
	return &c, faults, nil
}

// readCamera reads and judges one camera as if it were the only one.
func (c *Config) readCamera(name string, value any) (Camera, error) {
	alone := Config{Thing: c.Thing}
	if c.Provisioning.Wanted() && c.Thing == "" {
		alone.Thing = unnamed
	}
	if err := decodeNamed("cameras", map[string]any{name: value}, reflect.ValueOf(&alone.Cameras).Elem(), true); err != nil {
		return Camera{}, err
	}
	return alone.Cameras[name], alone.validateCameras("cameras")
}

// Overlay returns base with what is written in over in its place. Sections are
// joined, everything else is replaced; neither argument is changed.
func Overlay(base, over map[string]any) map[string]any {
	out := maps.Clone(base)
	if out == nil {
		out = map[string]any{}
	}
	for key, value := range over {
		if section, ok := value.(map[string]any); ok {
			below, _ := out[key].(map[string]any)
			out[key] = Overlay(below, section)
			continue
		}
		out[key] = value
	}
	return out
}

// ReadTree reads YAML or JSON into a tree for Lenient, of which nothing has
// been judged yet.
func ReadTree(data []byte) (map[string]any, error) { return parseTree(data) }
