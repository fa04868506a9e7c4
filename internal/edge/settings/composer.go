// Package settings makes the configuration in use out of two: the one that the
// device was given, by a file or by Greengrass, and what the cloud asks for in
// the thing's shadow. What cannot be used is named, and the last that could be
// used goes on.
package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"

	"porchlight/internal/config"
)

// fixed are the keys of a camera that the cloud may not set: whoever holds the
// cloud would choose what this device opens.
var fixed = []string{"source", "loop"}

// Composer is safe for concurrent use.
type Composer struct {
	log     *slog.Logger
	file    string // keeps what the cloud has asked for
	changes chan *config.Config

	mu      sync.Mutex
	base    map[string]any
	kept    kept
	current *config.Config
}

// New returns a composer that keeps in file what the cloud asks for, so that
// it holds while the cloud cannot be reached.
func New(file string, log *slog.Logger) *Composer {
	c := &Composer{log: log, file: file, changes: make(chan *config.Config, 1)}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &c.kept)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Warn("what the cloud had asked for is lost until it is asked again", "error", err)
		c.kept = kept{}
	}
	return c
}

// Changes delivers each configuration that differs from the one before it; a
// reader that is slow gets only the newest.
func (c *Composer) Changes() <-chan *config.Config { return c.changes }

// Give sets what the device was given. An error leaves the configuration as
// it was; a camera that cannot be used is logged and stays as it was.
func (c *Composer) Give(tree map[string]any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	next, faults, err := c.compose(tree)
	if err != nil {
		return err
	}
	for _, f := range faults {
		c.log.Error("camera settings cannot be used; the camera stays as it was", "camera", f.Camera, "error", f.Err)
	}
	c.base = tree
	c.use(next)
	return nil
}

// Ask sets what the cloud asks for: the tree {"cameras": {name: settings}}. It
// returns the settings in use that were asked for, and by path what is wrong
// with the others.
func (c *Composer) Ask(desired map[string]any) (inUse map[string]any, faults map[string]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	faults = map[string]string{}
	for key := range desired {
		if key != "cameras" {
			faults[key] = "only cameras can be set from the cloud"
		}
	}
	cameras, ok := desired["cameras"].(map[string]any)
	if !ok && desired["cameras"] != nil {
		faults["cameras"] = "want a section for each camera"
	}
	asked := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(cameras)) {
		if err := c.try(name, cameras[name]); err != nil {
			faults["cameras."+name] = err.Error()
			if before, ok := c.kept.Asked[name]; ok {
				asked[name] = before
			}
			continue
		}
		asked[name] = cameras[name]
	}
	chosen := maps.Clone(c.kept.Privacy)
	maps.DeleteFunc(chosen, func(camera string, _ bool) bool { // the last word counts, wherever it was said
		return privacy(asked, camera) != privacy(c.kept.Asked, camera)
	})
	c.keep(kept{asked, chosen})
	c.again()
	return map[string]any{"cameras": c.wishes(c.kept.Asked)}, faults
}

// again composes the configuration after a wish has changed.
func (c *Composer) again() {
	if c.base == nil {
		return
	}
	if next, _, err := c.compose(c.base); err == nil {
		c.use(next)
	}
}

func (c *Composer) unknown(given map[string]any) error {
	return fmt.Errorf("there is no such camera; the cameras are %s", strings.Join(slices.Sorted(maps.Keys(given)), ", "))
}

// try judges the settings of one camera without using them.
func (c *Composer) try(name string, wanted any) error {
	section, ok := wanted.(map[string]any)
	if !ok {
		return errors.New("want a section")
	}
	given, _ := c.base["cameras"].(map[string]any)
	camera, ok := given[name].(map[string]any)
	if !ok {
		return c.unknown(given)
	}
	for _, key := range fixed {
		if _, ok := section[key]; ok {
			return fmt.Errorf("%s cannot be set from the cloud: set it on the device", key)
		}
	}
	tree := maps.Clone(c.base)
	tree["cameras"] = map[string]any{name: config.Overlay(camera, section)}
	_, faults, err := config.Lenient(tree, nil)
	if err == nil && len(faults) > 0 {
		err = faults[0].Err
	}
	return err
}

// compose lays what was asked for over base. What does not fit base any more
// is left out.
func (c *Composer) compose(base map[string]any) (*config.Config, []config.Fault, error) {
	given, _ := base["cameras"].(map[string]any)
	over := map[string]any{}
	for name, section := range c.wishes(c.kept.Asked) {
		if _, ok := given[name].(map[string]any); ok {
			over[name] = section
		}
	}
	next, faults, err := config.Lenient(config.Overlay(base, map[string]any{"cameras": over}), c.current)
	again := false
	for _, f := range faults {
		if _, ok := over[f.Camera]; ok {
			c.log.Warn("what the cloud asked for does not fit this camera any more", "camera", f.Camera, "error", f.Err)
			delete(over, f.Camera)
			again = true
		}
	}
	if !again {
		return next, faults, err
	}
	return config.Lenient(config.Overlay(base, map[string]any{"cameras": over}), c.current)
}

func (c *Composer) use(next *config.Config) {
	if reflect.DeepEqual(c.current, next) {
		return
	}
	c.current = next
	select {
	case <-c.changes: // nobody has read it, and it is out of date
	default:
	}
	c.changes <- next
}
