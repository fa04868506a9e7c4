package mediatest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Validate has mkvinfo, mkvmerge and, where it is installed, mkvalidator read
// a Matroska file. Any warning fails the test. They exit with 1 for one.
func Validate(t testing.TB, data []byte) {
	t.Helper()
	if _, err := exec.LookPath("mkvmerge"); err != nil {
		t.Skip("mkvinfo and mkvmerge are not installed: apt install mkvtoolnix")
	}
	dir := t.TempDir()
	path, again := filepath.Join(dir, "check.mkv"), filepath.Join(dir, "again.mkv")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	check := func(name string, args ...string) {
		out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
		require.NotContains(t, string(out), "Warning", name)
	}
	check("mkvinfo", "--ui-language", "en_US", "--all", path)
	check("mkvmerge", "--ui-language", "en_US", "-o", again, path)
	if _, err := exec.LookPath("mkvalidator"); err == nil {
		check("mkvalidator", "--live", "--quiet", path)
	} else {
		t.Log("mkvalidator is not installed, and Debian has no package of it: mkvinfo and mkvmerge have to do")
	}
	rewritten, err := os.ReadFile(again)
	require.NoError(t, err)
	require.Equal(t, Decode(t, data), Decode(t, rewritten), "pictures")
}
