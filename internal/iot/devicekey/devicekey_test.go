package devicekey_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/iot/devicekey"
)

func TestKeyIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "private.key")
	_, err := devicekey.Load(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	made, err := devicekey.Make(path)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(path, 0o644))
	loaded, err := devicekey.Load(path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, loaded.Owns(certify(t, made)))
}

// certify makes a certificate out of a request, as a CA does.
func certify(t *testing.T, k *devicekey.Key) string {
	t.Helper()
	text, err := k.Request("porch")
	require.NoError(t, err)
	block, _ := pem.Decode([]byte(text))
	request, err := x509.ParseCertificateRequest(block.Bytes)
	require.NoError(t, err)
	require.NoError(t, request.CheckSignature())
	require.Equal(t, "porch", request.Subject.CommonName)
	ca, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, request.PublicKey, ca)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestOwns(t *testing.T) {
	dir := t.TempDir()
	mine, err := devicekey.Make(filepath.Join(dir, "mine"))
	require.NoError(t, err)
	other, err := devicekey.Make(filepath.Join(dir, "other"))
	require.NoError(t, err)
	certificate := certify(t, mine)
	require.NoError(t, mine.Owns(certificate))
	require.ErrorContains(t, other.Owns(certificate), "another key")
	require.ErrorContains(t, mine.Owns("hello"), "no certificate")
	require.ErrorContains(t, mine.Owns(certificate[:len(certificate)/2]), "no certificate")
	id, err := devicekey.CertificateID(certificate)
	require.NoError(t, err)
	require.Regexp(t, "^[0-9a-f]{64}$", id)
	_, err = devicekey.CertificateID("")
	require.Error(t, err)
}

func TestDamagedKeyTellsNothingOfItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "private.key")
	for _, text := range []string{"", "SECRET", "-----BEGIN PRIVATE KEY-----\nU0VDUkVU\n-----END PRIVATE KEY-----\n"} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := devicekey.Load(path)
		require.ErrorIs(t, err, devicekey.ErrDamaged)
		require.NotContains(t, err.Error(), "SECRET")
	}
}
