package main

import (
	"fmt"
	"os"

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
		if camera, err = config.ParseCamera(data); err != nil {
			return config.Camera{}, fmt.Errorf("%s: %w", c.Config, err)
		}
	}
	if c.FPS > 0 {
		camera.FPS = c.FPS
	}
	return camera, nil
}
