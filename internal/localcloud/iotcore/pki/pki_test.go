package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore/pki"
)

func TestAuthority(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	a, err := pki.Open(dir)
	require.NoError(t, err)
	again, err := pki.Open(dir)
	require.NoError(t, err)
	require.Equal(t, a.CertificatePEM(), again.CertificatePEM(), "kept over a restart")
	info, err := os.Stat(filepath.Join(dir, "ca.pem"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	server, err := again.Server("door.local", "192.0.2.7")
	require.NoError(t, err)
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "door.local", "192.0.2.7"} {
		_, err = server.Leaf.Verify(x509.VerifyOptions{Roots: a.Pool(), DNSName: name})
		require.NoError(t, err, name)
	}
	_, err = server.Leaf.Verify(x509.VerifyOptions{Roots: a.Pool(), DNSName: "example.com"})
	require.Error(t, err)

	certPEM, keyPEM, err := a.Device("front")
	require.NoError(t, err)
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	require.NoError(t, err)
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: a.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	require.NoError(t, err)
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: a.Pool()})
	require.Error(t, err, "a device cannot pose as the server")
	require.Len(t, pki.Fingerprint(pair.Leaf), 64)

	path := filepath.Join(dir, "device.pem")
	require.NoError(t, os.WriteFile(path, certPEM, 0o600))
	read, err := pki.ReadCertificate(path)
	require.NoError(t, err)
	require.Equal(t, pki.Fingerprint(pair.Leaf), pki.Fingerprint(read))
	require.NoError(t, os.WriteFile(path, keyPEM, 0o600))
	_, err = pki.ReadCertificate(path)
	require.Error(t, err)
}

func TestDamagedAuthority(t *testing.T) {
	dir := t.TempDir()
	a, err := pki.Open(dir)
	require.NoError(t, err)
	certPEM, keyPEM, err := a.Device("front")
	require.NoError(t, err)
	for name, content := range map[string][]byte{"empty": nil, "half": a.CertificatePEM(), "no authority": append(certPEM, keyPEM...)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), content, 0o600))
		_, err = pki.Open(dir)
		require.ErrorIs(t, err, pki.ErrAuthority, name)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	_, err = pki.Open(filepath.Join(dir, "file"))
	require.Error(t, err)
}
