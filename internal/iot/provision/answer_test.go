package provision

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCertificateForAnotherKeyIsRefused(t *testing.T) {
	c := newCloud(t)
	dir := t.TempDir()
	mine, err := files{filepath.Join(dir, "mine")}.makeKey()
	require.NoError(t, err)
	other, err := files{filepath.Join(dir, "other")}.makeKey()
	require.NoError(t, err)
	request, err := other.request("007")
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

// fixedKey is not random, so that the corpus may hold a certificate of it. Its
// private part is nowhere.
func fixedKey(t testing.TB) *key {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "certificate.pem"))
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return &key{&ecdsa.PrivateKey{PublicKey: *certificate.PublicKey.(*ecdsa.PublicKey)}}
}

func FuzzAnswers(f *testing.F) {
	k := fixedKey(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		if p, err := parseCreated(payload, k); err == nil && (p.Token == "" || k.owns(p.Certificate) != nil) {
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
