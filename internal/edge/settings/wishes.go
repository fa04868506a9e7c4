package settings

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	"porchlight/internal/atomicfile"
	"porchlight/internal/config"
)

// kept is what survives a restart.
type kept struct {
	Asked map[string]any `json:"asked"` // settings by camera, all of which could be used when they came
	// Privacy modes that somebody at home has chosen since, by camera.
	Privacy map[string]bool `json:"privacy,omitempty"`
}

// SetPrivacy turns the privacy mode of a camera on or off for somebody at
// home. It holds until the next such word, from here or from the cloud.
func (c *Composer) SetPrivacy(camera string, on bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	given, _ := c.base["cameras"].(map[string]any)
	if _, ok := given[camera].(map[string]any); !ok {
		return c.unknown(given)
	}
	chosen := maps.Clone(c.kept.Privacy)
	if chosen == nil {
		chosen = map[string]bool{}
	}
	chosen[camera] = on
	c.keep(kept{c.kept.Asked, chosen})
	c.again()
	return nil
}

// privacy is what was asked of a camera's privacy mode.
func privacy(asked map[string]any, camera string) string {
	section, _ := asked[camera].(map[string]any)
	return fmt.Sprint(section["privacy"])
}

// wishes are settings by camera with the chosen privacy modes over them.
func (c *Composer) wishes(asked map[string]any) map[string]any {
	over := map[string]any{}
	for camera, on := range c.kept.Privacy {
		over[camera] = map[string]any{"privacy": on}
	}
	return config.Overlay(asked, over)
}

func (c *Composer) keep(next kept) {
	if reflect.DeepEqual(next, c.kept) {
		return
	}
	c.kept = next
	data, err := json.Marshal(next)
	if err == nil {
		err = atomicfile.Write(c.file, data, 0o600)
	}
	if err != nil {
		c.log.Warn("what was asked for is in use, and will be lost when this device starts offline", "error", err)
	}
}
