package config_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
)

func TestUpdates(t *testing.T) {
	c, err := config.Parse([]byte(good))
	require.NoError(t, err)
	require.Equal(t, config.Updates{Models: true}, c.Updates)
	key, err := c.Updates.Key()
	require.NoError(t, err)
	require.Nil(t, key)

	public, _, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	for _, written := range [][]byte{public, der} {
		c, err = config.Parse([]byte(good + "updates: {models: 'false', software: true, public_key: " + base64.StdEncoding.EncodeToString(written) + "}\n"))
		require.NoError(t, err)
		require.False(t, c.Updates.Models)
		key, err = c.Updates.Key()
		require.NoError(t, err)
		require.Equal(t, public, key)
	}
	for _, wrong := range []string{"hello", "aGVsbG8=", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"} {
		_, err = config.Parse([]byte(good + "updates: {public_key: " + wrong + "}\n"))
		require.ErrorIs(t, err, config.ErrInvalid)
		require.ErrorContains(t, err, "updates.public_key: want an Ed25519 public key")
	}
}

// A configuration of tomorrow tells the program of today where the program of
// tomorrow is.
func TestLoadBare(t *testing.T) {
	for text, want := range map[string]config.Bare{
		"state_dir: s\nupdates: {software: 'true'}\ntomorrow: {a: 1}": {StateDir: "s", Software: true},
		"state_dir: s": {StateDir: "s"},
		"{}":           {},
	} {
		path := filepath.Join(t.TempDir(), "porchlight.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		got, err := config.LoadBare(path)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"[", "state_dir: [a]", "updates: {software: perhaps}\nstate_dir: s", "updates: {software: true}"} {
		path := filepath.Join(t.TempDir(), "porchlight.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := config.LoadBare(path)
		require.ErrorIs(t, err, config.ErrInvalid, text)
	}
	_, err := config.LoadBare(filepath.Join(t.TempDir(), "missing"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
