package config

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
)

// Updates says which update jobs the device carries out.
type Updates struct {
	Models    bool   `config:"models"`     // of the detection model
	Software  bool   `config:"software"`   // of this program; never under Greengrass, which does so itself
	PublicKey string `config:"public_key"` // Ed25519, base64; when set, an update must be signed with it
}

func (u Updates) validate(path string) error {
	if _, err := u.Key(); err != nil {
		return bad(join(path, "public_key"), "%v", err)
	}
	return nil
}

var errKey = errors.New("want an Ed25519 public key in base64, as between the lines of its PEM file")

// Key returns the public key, nil when there is none. It is written as the 44
// bytes of a SubjectPublicKeyInfo, which is what PEM files hold (RFC 8410), or
// as its 32 bytes alone, in base64.
func (u Updates) Key() (ed25519.PublicKey, error) {
	if u.PublicKey == "" {
		return nil, nil //nolint:nilnil // no key is asked for
	}
	data, err := base64.StdEncoding.DecodeString(u.PublicKey)
	if err != nil {
		return nil, errKey
	}
	if len(data) == ed25519.PublicKeySize {
		return data, nil
	}
	parsed, err := x509.ParsePKIXPublicKey(data)
	if err != nil {
		return nil, errKey
	}
	key, is := parsed.(ed25519.PublicKey)
	if !is {
		return nil, errKey
	}
	return key, nil
}

// Bare is what a program needs of its configuration before it knows whether
// it is the version that can read all of it.
type Bare struct {
	StateDir string
	Software bool // updates of the software are on
}

// LoadBare reads no more than that of a file, and judges nothing else in it.
func LoadBare(path string) (Bare, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Bare{}, fmt.Errorf("read configuration: %w", err)
	}
	tree, err := parseTree(data)
	if err != nil {
		return Bare{}, fmt.Errorf("%s: %w", path, err)
	}
	var b Bare
	if value, there := tree["state_dir"]; there {
		if want := decodeScalar(value, &b.StateDir); want != "" {
			return Bare{}, fmt.Errorf("%s: %w", path, unfit("state_dir", value, false, want))
		}
	}
	if section, there := tree["updates"].(map[string]any); there {
		if value, there := section["software"]; there {
			if want := decodeScalar(value, &b.Software); want != "" {
				return Bare{}, fmt.Errorf("%s: %w", path, unfit("updates.software", value, false, want))
			}
		}
	}
	if b.Software && b.StateDir == "" {
		return Bare{}, fmt.Errorf("%s: %w", path, bad("state_dir", "missing: name a folder that survives restarts"))
	}
	return b, nil
}
