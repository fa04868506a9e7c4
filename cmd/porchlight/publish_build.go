package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// builder builds the camera's program in the checkout, for this machine.
func (c *PublishCmd) builder(streams *Streams) func(ctx context.Context, into string) error {
	return func(ctx context.Context, into string) error {
		root, err := checkout(c.Root)
		if err != nil {
			return err
		}
		fmt.Fprintf(streams.Stderr, "==> building the camera in %s\n", root)
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", into, "./components/camera")
		build.Dir = root
		build.Env = append(os.Environ(), "CGO_ENABLED=1")
		build.Stdout, build.Stderr = streams.Stderr, streams.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build the camera in %s: %w: name a checkout with --root, or a finished program's folder with --binary", root, err)
		}
		return nil
	}
}
