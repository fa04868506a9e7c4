package pki_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore/pki"
)

func request(t testing.TB, key any, template x509.CertificateRequest) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func certificate(t testing.TB, certPEM []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(certPEM)
	require.NotNil(t, block)
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return cert
}

func TestSignRequest(t *testing.T) {
	a, err := pki.Open(t.TempDir())
	require.NoError(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	certPEM, err := a.SignRequest(request(t, key, x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "cam", Organization: []string{"Home"}}, DNSNames: []string{"localhost"},
	}))
	require.NoError(t, err)
	cert := certificate(t, certPEM)
	require.Equal(t, "CN=cam,O=Home", cert.Subject.String())
	require.Empty(t, cert.DNSNames, "a device cannot ask to be a server")
	require.False(t, cert.IsCA)
	require.True(t, key.PublicKey.Equal(cert.PublicKey))
	_, err = cert.Verify(x509.VerifyOptions{Roots: a.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	require.NoError(t, err)

	small, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // too small on purpose
	require.NoError(t, err)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	good := request(t, key, x509.CertificateRequest{})
	block, _ := pem.Decode(good)
	block.Bytes[len(block.Bytes)-1] ^= 1
	for name, csr := range map[string][]byte{
		"none": nil, "no pem": []byte("x"), "a certificate": certPEM, "half": good[:len(good)/2], "small key": request(t, small, x509.CertificateRequest{}),
		"another kind of key": request(t, edwards, x509.CertificateRequest{}), "altered": pem.EncodeToMemory(block),
		"long": append(make([]byte, 5000), good...),
	} {
		_, err := a.SignRequest(csr)
		require.ErrorIs(t, err, pki.ErrRequest, name)
	}
}

func TestClient(t *testing.T) {
	a, err := pki.Open(t.TempDir())
	require.NoError(t, err)
	certPEM, keyPEM, publicPEM, err := a.Client(5 * time.Minute)
	require.NoError(t, err)
	cert := certificate(t, certPEM)
	require.WithinDuration(t, time.Now().Add(5*time.Minute), cert.NotAfter, time.Minute)
	block, _ := pem.Decode(keyPEM)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	block, _ = pem.Decode(publicPEM)
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	require.NoError(t, err)
	require.True(t, key.(*ecdsa.PrivateKey).PublicKey.Equal(public))
	require.True(t, key.(*ecdsa.PrivateKey).PublicKey.Equal(cert.PublicKey))
}

// FuzzSignRequest: only well-formed requests are granted, and nothing beyond
// client authentication.
func FuzzSignRequest(f *testing.F) {
	a, err := pki.Open(f.TempDir())
	require.NoError(f, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(f, err)
	f.Add(request(f, key, x509.CertificateRequest{Subject: pkix.Name{CommonName: "a"}}))
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, csr []byte) {
		certPEM, err := a.SignRequest(csr)
		if err != nil {
			return
		}
		cert := certificate(t, certPEM)
		require.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, cert.ExtKeyUsage)
		require.False(t, cert.IsCA)
	})
}
