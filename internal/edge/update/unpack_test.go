package update

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// pack makes a tar.gz of entries whose content is what they are called.
func pack(t testing.TB, entries ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for _, e := range entries {
		content := []byte(e.Name)
		if e.Typeflag != tar.TypeReg {
			content = nil
		}
		if e.Mode == 0 {
			e.Mode = 0o755
		}
		e.Size = int64(len(content))
		require.NoError(t, archive.WriteHeader(&e))
		_, err := archive.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	require.NoError(t, zipped.Close())
	return out.Bytes()
}

func file(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg} }

func unpackBytes(t testing.TB, data []byte, most int64) (dir string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "archive")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	dir = filepath.Join(t.TempDir(), "version")
	return dir, unpack(path, dir, most)
}

func TestUnpack(t *testing.T) {
	dir, err := unpackBytes(t, pack(t,
		tar.Header{Name: "./", Typeflag: tar.TypeDir}, file("./camera"), tar.Header{Name: "lib/", Typeflag: tar.TypeDir}, file("lib/libcv.so.406"),
		tar.Header{Name: "lib/libcv.so", Linkname: "libcv.so.406", Typeflag: tar.TypeSymlink}, tar.Header{Name: "deep/er/notes", Mode: 0o600, Typeflag: tar.TypeReg},
	), 1000)
	require.NoError(t, err)
	for name, mode := range map[string]os.FileMode{"camera": 0o755, "lib/libcv.so": 0o755, "deep/er/notes": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm()|mode&0o022, name) // less what the umask takes
	}
	dir, err = unpackBytes(t, []byte("#!/bin/sh\n"), 1000)
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, "camera"))
}

func TestUnpackRefuses(t *testing.T) {
	for name, entries := range map[string][]tar.Header{
		"out":           {file("camera"), file("../evil")},
		"absolute":      {file("camera"), file("/evil")},
		"link out":      {file("camera"), {Name: "a", Linkname: "../..", Typeflag: tar.TypeSymlink}},
		"link absolute": {file("camera"), {Name: "a", Linkname: "/etc", Typeflag: tar.TypeSymlink}},
		"hard link":     {file("camera"), {Name: "a", Linkname: "camera", Typeflag: tar.TypeLink}},
		"device":        {file("camera"), {Name: "a", Typeflag: tar.TypeChar}},
		"twice":         {file("camera"), file("camera")},
		"no program":    {file("bin/camera")},
		"no permission": {{Name: "camera", Mode: 0o644, Typeflag: tar.TypeReg}},
		"a folder":      {{Name: "camera", Typeflag: tar.TypeDir}},
		"nothing":       {},
		"too much":      {file("camera"), file(fmt.Sprintf("%0100d", 1))},
	} {
		_, err := unpackBytes(t, pack(t, entries...), 100)
		require.Error(t, err, name)
	}
	_, err := unpackBytes(t, []byte{0x1f, 0x8b, 8}, 100)
	require.ErrorIs(t, err, errArchive)
	_, err = unpackBytes(t, bytes.Repeat([]byte("x"), 101), 100)
	require.ErrorContains(t, err, "no room")
}

func FuzzUnpack(f *testing.F) {
	f.Add(pack(f, file("camera"), tar.Header{Name: "lib", Linkname: "camera", Typeflag: tar.TypeSymlink}))
	f.Add(pack(f, file("camera"), tar.Header{Name: "a", Linkname: ".", Typeflag: tar.TypeSymlink}, file("a/../../b")))
	f.Fuzz(func(t *testing.T, data []byte) {
		root := t.TempDir()
		path := filepath.Join(root, "archive")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		_ = unpack(path, filepath.Join(root, "version"), 1<<16)
		entries, err := os.ReadDir(root)
		require.NoError(t, err)
		require.LessOrEqual(t, len(entries), 2, "nothing is written outside")
	})
}
