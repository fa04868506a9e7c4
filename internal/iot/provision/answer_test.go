package provision

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/iot/devicekey"
)

func TestCertificateForAnotherKeyIsRefused(t *testing.T) {
	c := newCloud(t)
	dir := t.TempDir()
	mine, err := devicekey.Make(filepath.Join(dir, "mine"))
	require.NoError(t, err)
	other, err := devicekey.Make(filepath.Join(dir, "other"))
	require.NoError(t, err)
	request, err := other.Request("007")
	require.NoError(t, err)
	quoted, err := json.Marshal(request)
	require.NoError(t, err)
	answer, _, _ := c.create(map[string]json.RawMessage{"certificateSigningRequest": quoted})
	payload, err := json.Marshal(answer)
	require.NoError(t, err)
	_, err = parseCreated(payload, mine)
	require.ErrorContains(t, err, "another key")
	_, err = parseCreated(payload, other)
	require.NoError(t, err)
}

func FuzzAnswers(f *testing.F) {
	k, err := devicekey.Make(filepath.Join(f.TempDir(), "key"))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, payload []byte) {
		if p, err := parseCreated(payload, k); err == nil && (p.Token == "" || k.Owns(p.Certificate) != nil) {
			t.Fatalf("taken for this device's: %+v", p)
		}
		if got, err := parseProvisioned(payload); err == nil && strings.ContainsAny(got.Thing, "/.\x00") {
			t.Fatalf("a thing's name that is a path: %+v", got)
		}
		if err := explain(parseRejection("t", payload), "007"); err == nil || errors.Is(err, ErrConfig) {
			t.Fatalf("a rejection that ends all tries, or none: %v", err)
		}
	})
}
