package visiontest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestData returns a path in the folder that PORCHLIGHT_TESTDATA names,
// absolute or relative to the repository's root. Without it the test is skipped.
func TestData(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("PORCHLIGHT_TESTDATA")
	if root == "" {
		t.Skip("PORCHLIGHT_TESTDATA is not set: no real models and pictures to test with")
	}
	if !filepath.IsAbs(root) {
		_, here, _, _ := runtime.Caller(0)
		root = filepath.Join(filepath.Dir(here), "..", "..", "..", root)
	}
	return filepath.Join(append([]string{root}, elem...)...)
}
