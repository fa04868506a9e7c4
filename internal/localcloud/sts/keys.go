package sts

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrDamagedKeys means that the key file cannot be read as one.
var ErrDamagedKeys = errors.New("account keys are damaged: restore the file, or remove it to get new keys (open sessions end)")

// keys is what keys.json holds.
type keys struct {
	Admin Credentials `json:"admin"`
	Seal  []byte      `json:"seal"` // 32 random bytes
}

func loadKeys(dir string) (keys, error) {
	path := filepath.Join(dir, "keys.json")
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return makeKeys(dir, path)
	}
	if err != nil {
		return keys{}, fmt.Errorf("account keys: %w", err)
	}
	var k keys
	if err := json.Unmarshal(raw, &k); err != nil || len(k.Seal) != 32 || k.Admin.SecretAccessKey == "" {
		return keys{}, fmt.Errorf("%w: %s", ErrDamagedKeys, path)
	}
	return k, nil
}

func makeKeys(dir, path string) (keys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return keys{}, fmt.Errorf("account keys: %w", err)
	}
	var random [30 + 32]byte
	_, _ = rand.Read(random[:]) // crypto/rand.Read never fails
	k := keys{
		Admin: Credentials{AccessKeyID: "AKIA" + randomID(), SecretAccessKey: base64.StdEncoding.EncodeToString(random[:30])},
		Seal:  random[30:],
	}
	raw, err := json.Marshal(k)
	if err != nil {
		return keys{}, fmt.Errorf("account keys: %w", err)
	}
	if err := writeFile(path, raw); err != nil {
		return keys{}, fmt.Errorf("account keys: %w", err)
	}
	return k, nil
}

// writeFile replaces a file in one step, so that a crash leaves the old one or the new one, whole.
func writeFile(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // CreateTemp makes it 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
