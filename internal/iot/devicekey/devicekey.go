// Package devicekey is the private key of a device: made where it is used,
// kept in one file, and shown to nobody. What leaves is a certificate signing
// request.
package devicekey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"porchlight/internal/atomicfile"
)

// ErrDamaged means that the file holds no key of the kind that Make makes.
var ErrDamaged = errors.New("no ECDSA key in PKCS #8 PEM")

// Key is ECDSA P-256, which every TLS stack and AWS IoT takes and small boards
// compute quickly.
type Key struct{ private *ecdsa.PrivateKey }

// Load reads a key and sees to it that only its owner can. The error is
// fs.ErrNotExist when there is none and ErrDamaged when it is of no use.
func Load(path string) (*Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	k, ok := parse(text)
	if !ok {
		return nil, fmt.Errorf("%s: %w", path, ErrDamaged)
	}
	return k, os.Chmod(path, 0o600)
}

// parse tells no more than whether there is a key, for a parser's words may
// show bytes of it.
func parse(text []byte) (*Key, bool) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, false
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, false
	}
	return &Key{private}, true
}

// Make makes a key and has it on disk when it returns, so that nothing is done
// with a key that could be lost. The folder is made if missing.
func Make(path string) (*Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return &Key{private}, atomicfile.Write(path, text, 0o600)
}

// Request makes a certificate signing request in PEM. The name is for people.
func (k *Key) Request(name string) (string, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: name, Organization: []string{"Porchlight"}},
	}, k.private)
	if err != nil {
		return "", fmt.Errorf("certificate signing request: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), nil
}

// Owns says why a certificate in PEM is not this key's.
func (k *Key) Owns(certificate string) error {
	parsed, err := parseCertificate(certificate)
	if err != nil {
		return err
	}
	if !k.private.PublicKey.Equal(parsed.PublicKey) {
		return errors.New("the certificate is for another key")
	}
	return nil
}

// CertificateID is what AWS IoT calls a certificate in PEM: the SHA-256 of its
// DER in hex.
func CertificateID(certificate string) (string, error) {
	parsed, err := parseCertificate(certificate)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(parsed.Raw)
	return hex.EncodeToString(sum[:]), nil
}

func parseCertificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("there is no certificate in it")
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the certificate is damaged: %w", err)
	}
	return parsed, nil
}
