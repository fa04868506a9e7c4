package provision

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"porchlight/internal/atomicfile"
)

// key is the device's own: ECDSA P-256, which every TLS stack and AWS IoT
// takes and small boards compute quickly.
type key struct{ *ecdsa.PrivateKey }

// loadKey reads the device's key. When there is none it makes one, and has it
// on disk before it returns: nothing may be sent with a key that could be lost.
func (f files) loadKey(log *slog.Logger) (*key, error) {
	path := f.key()
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f.makeKey()
	case err != nil:
		return nil, err
	}
	k, err := parseKey(text)
	if err != nil {
		// It cannot come back, so a device that waits for it never works again.
		log.Error("the device's key is damaged, making a new one: its serial must be allowed again", "file", path, "error", err)
		return f.makeKey()
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, err
	}
	return k, nil
}

func (f files) makeKey() (*key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return &key{private}, atomicfile.Write(f.key(), text, 0o600)
}

func parseKey(text []byte) (*key, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is no PEM file")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it holds no PKCS #8 key") // without the parser's words, which may show bytes of it
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("it is no ECDSA key")
	}
	return &key{private}, nil
}

// request is a certificate signing request in PEM.
func (k *key) request(serial string) (string, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: serial, Organization: []string{"Porchlight"}},
	}, k.PrivateKey)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), nil
}

// owns says why a certificate in PEM is not this key's.
func (k *key) owns(certificate string) error {
	block, _ := pem.Decode([]byte(certificate))
	if block == nil || block.Type != "CERTIFICATE" {
		return errors.New("there is no certificate in it")
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("the certificate is damaged: %w", err)
	}
	if !k.PublicKey.Equal(parsed.PublicKey) {
		return errors.New("the certificate is for another key")
	}
	return nil
}
