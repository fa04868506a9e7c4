package main

import (
	"fmt"
	"os"

	"github.com/goccy/go-yaml"

	"porchlight/internal/config"
)

// settings reads the settings of one camera and puts the flags over them.
func (c *CameraFlags) settings() (config.Camera, error) {
	camera := config.CameraDefaults()
	if c.Config != "" {
		data, err := os.ReadFile(c.Config)
		if err != nil {
			return config.Camera{}, fmt.Errorf("settings of the camera: %w", err)
		}
		if camera, err = parseCamera(data); err != nil {
			return config.Camera{}, fmt.Errorf("%s: %w", c.Config, err)
		}
	}
	if c.FPS > 0 {
		camera.FPS = c.FPS
	}
	return camera, nil
}

// parseCamera reads the section of one camera.
func parseCamera(data []byte) (config.Camera, error) {
	section := map[string]any{}
	if err := yaml.Unmarshal(data, &section); err != nil {
		return config.Camera{}, fmt.Errorf("%w: it is no YAML section", config.ErrInvalid)
	}
	if _, ok := section["source"]; !ok {
		section["source"] = "none"
	}
	whole, err := yaml.Marshal(map[string]any{
		"thing": "replay", "state_dir": "none",
		"iot":     map[string]any{"endpoint": "none:1", "credentials_endpoint": "none:1", "role_alias": "none", "certificate": "none", "private_key": "none"},
		"cloud":   map[string]any{"thumbnail_bucket": "none"},
		"cameras": map[string]any{"camera": section},
	})
	if err != nil {
		return config.Camera{}, fmt.Errorf("%w: %w", config.ErrInvalid, err)
	}
	cfg, err := config.Parse(whole)
	if err != nil {
		return config.Camera{}, err
	}
	return cfg.Cameras["camera"], nil
}
