package fakenucleus

import (
	"os"
	"path/filepath"
	"testing"
)

// ForTest starts a nucleus that ends with the test. Its token is component's.
func ForTest(t testing.TB, kind Kind, component string) *Nucleus {
	t.Helper()
	folder, err := os.MkdirTemp("", "gg") //nolint:usetesting // the path of a socket has at most 107 bytes, that of t.TempDir may have more
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	n, err := Start(t.Context(), Config{Kind: kind, Socket: filepath.Join(folder, "ipc"), Component: component})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Stop)
	return n
}
