//go:build !cgo

package main

// Run says why there is nothing to run.
func (c *ReplayCmd) Run() error { return noVision() }
