//go:build linux

// Package childtest runs a test in a process of its own, where it may change
// limits and mounts.
package childtest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// variable tells the child its folder.
const variable = "PORCHLIGHT_TEST_CHILD"

// Run runs the calling test once more, as a child with these attributes. It
// reports whether this is the child, and then its folder; in the parent the
// child has ended, and well. The test is skipped where a child like that, or
// what it does, is not allowed.
func Run(t *testing.T, attributes *syscall.SysProcAttr) (dir string, isChild bool) {
	t.Helper()
	if dir := os.Getenv(variable); dir != "" {
		return dir, true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"="+t.TempDir())
	cmd.SysProcAttr = attributes
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL) || strings.Contains(string(out), "--- SKIP") {
		t.Skipf("no file system of its own for this test here: %v %s", err, out)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return "", false
}
