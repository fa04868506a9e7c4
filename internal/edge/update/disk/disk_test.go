package disk_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/update/disk"
)

func TestWriteFileReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	require.NoError(t, disk.WriteFile(path, []byte("old")))
	require.NoError(t, disk.WriteFile(path, []byte("new")))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "new", string(data))
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is left over")
	require.Error(t, disk.WriteFile(filepath.Join(path, "c"), nil), "a file is no folder")
}

func TestFree(t *testing.T) {
	free, err := disk.Free(t.TempDir())
	require.NoError(t, err)
	require.Positive(t, free)
	_, err = disk.Free(filepath.Join(t.TempDir(), "missing"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
