package signaling_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The official SDK for browsers. Of its package, which depends on 900 others,
// the bundle is enough. It is fetched when a test runs and kept outside the
// checkout.
const (
	sdkPackage = "amazon-kinesis-video-streams-webrtc@2.9.0"
	sdkFile    = "amazon-kinesis-video-streams-webrtc-2.9.0.tgz"
	sdkSum     = "0be2455b9c39d815956207da5a70775f78ca5a4d9896e5b4146a352c9018899d" // SHA-256
	sdkBundle  = "package/dist/kvs-webrtc.min.js"
)

// officialSDK returns the SDK's bundle, or skips the test where it cannot be had.
func officialSDK(t *testing.T) []byte {
	t.Helper()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	cache = filepath.Join(cache, "porchlight", "test")
	archive := filepath.Join(cache, sdkFile)
	raw, err := os.ReadFile(archive)
	if errors.Is(err, fs.ErrNotExist) {
		npm, err := exec.LookPath("npm")
		if err != nil {
			t.Skip("npm is not installed, which the official SDK is fetched with")
		}
		require.NoError(t, os.MkdirAll(cache, 0o700))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		dir := t.TempDir()
		cmd := exec.CommandContext(ctx, npm, "pack", "--silent", "--pack-destination", dir, sdkPackage)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("the official SDK cannot be fetched: %v: %s", err, out)
		}
		raw, err = os.ReadFile(filepath.Join(dir, sdkFile))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(archive+".new", raw, 0o600))
		require.NoError(t, os.Rename(archive+".new", archive))
	} else {
		require.NoError(t, err)
	}
	sum := sha256.Sum256(raw)
	require.Equal(t, sdkSum, hex.EncodeToString(sum[:]), "%s is not what was published: remove it", archive)
	return unpack(t, archive)
}

func unpack(t *testing.T, archive string) []byte {
	t.Helper()
	file, err := os.Open(archive)
	require.NoError(t, err)
	defer file.Close()
	plain, err := gzip.NewReader(file)
	require.NoError(t, err)
	for entries := tar.NewReader(plain); ; {
		header, err := entries.Next()
		require.NoError(t, err, "%s has no %s", archive, sdkBundle)
		if header.Name == sdkBundle {
			bundle, err := io.ReadAll(io.LimitReader(entries, 1<<20))
			require.NoError(t, err)
			return bundle
		}
	}
}
