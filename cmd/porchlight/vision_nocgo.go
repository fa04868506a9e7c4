//go:build !cgo

package main

import "errors"

// Run says why there is nothing to run.
func (c *DetectCmd) Run() error { return noVision() }

// Run says why there is nothing to run.
func (c *FacesDetectCmd) Run() error { return noVision() }

// Run says why there is nothing to run.
func (c *FacesEnrollCmd) Run() error { return noVision() }

// Run says why there is nothing to run.
func (c *FacesIdentifyCmd) Run() error { return noVision() }

func noVision() error {
	return errors.New("this build has no vision: build with CGO_ENABLED=1 where OpenCV and its headers are installed (Debian: libopencv-dev, pkg-config, g++)")
}
