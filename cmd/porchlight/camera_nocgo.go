//go:build !cgo

package main

// Run says why there is nothing to run.
func (c *CameraCheckCmd) Run() error { return noVision() }
