package pki

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// ErrRequest means that a certificate signing request cannot be granted.
var ErrRequest = errors.New("invalid certificate signing request")

// What a request may hold. AWS IoT takes RSA keys of at least 2048 bits and the
// NIST curves P-256, P-384 and P-521; the upper bounds keep signatures cheap.
const (
	maxRequest = 4096 // bytes of PEM, as in the AWS IoT API
	minRSABits = 2048
	maxRSABits = 4096
	minECBits  = 256
)

// commonName is the subject of certificates whose key AWS IoT makes.
const commonName = "AWS IoT Certificate"

// SignRequest issues a client certificate for the key and subject of a PKCS #10
// request (RFC 2986) in PEM. Nothing else that it asks for is granted.
func (a *Authority) SignRequest(csrPEM []byte) (certPEM []byte, err error) {
	if len(csrPEM) > maxRequest {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrRequest, maxRequest)
	}
	block, _ := pem.Decode(csrPEM)
	if block == nil || block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" {
		return nil, fmt.Errorf("%w: want one PEM block CERTIFICATE REQUEST", ErrRequest)
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if err := checkKey(csr.PublicKey); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("%w: it is not signed with its own key: %w", ErrRequest, err)
	}
	t := client(pkix.Name{})
	t.RawSubject = csr.RawSubject
	cert, err := sign(t, deviceLife, a.cert, csr.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	return encodeCert(cert.Raw), nil
}

func checkKey(key any) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return fmt.Errorf("an RSA key of %d bits: use %d to %d", bits, minRSABits, maxRSABits)
		}
		return nil
	case *ecdsa.PublicKey:
		if k.Curve.Params().BitSize < minECBits {
			return fmt.Errorf("curve %s: use P-256, P-384 or P-521", k.Curve.Params().Name)
		}
		return nil
	}
	return fmt.Errorf("a key of kind %T: use RSA or ECDSA", key)
}

// Client issues a client certificate together with its key; a life of 0 is that
// of a device. (AWS makes RSA keys; here they are ECDSA P-256.)
func (a *Authority) Client(life time.Duration) (certPEM, keyPEM, publicPEM []byte, err error) {
	if life == 0 {
		life = deviceLife
	}
	certPEM, keyPEM, err = a.issue(client(pkix.Name{CommonName: commonName}), life)
	if err != nil {
		return nil, nil, nil, err
	}
	block, _ := pem.Decode(certPEM)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(cert.PublicKey)
	if err != nil {
		return nil, nil, nil, err
	}
	return certPEM, keyPEM, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
