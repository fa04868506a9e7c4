// Package iot connects a device to AWS IoT Core with its X.509 certificate:
// MQTT 5 over mutual TLS, and role credentials from the credentials provider.
package iot

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

// ErrIdentity is wrapped when the certificate files cannot be used.
var ErrIdentity = errors.New("thing certificate")

// ErrKeyMismatch is wrapped, besides ErrIdentity, when a private key is another
// certificate's.
var ErrKeyMismatch = errors.New("the private key is not this certificate's")

// LoadIdentity reads a thing's certificate and private key, and the CA that
// the endpoints' certificates must come from ("": the system's roots), all
// PEM files.
func LoadIdentity(certificate, privateKey, ca string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(certificate, privateKey)
	if err != nil {
		return nil, fmt.Errorf("%w: %s with %s: %w", ErrIdentity, certificate, privateKey, explainPair(err))
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if ca == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%w: %s holds no PEM certificate", ErrIdentity, ca)
	}
	return cfg, nil
}

// explainPair is about a pair of files; crypto/tls has only texts for this.
func explainPair(err error) error {
	if text := err.Error(); strings.Contains(text, "does not match") {
		return fmt.Errorf("%w: use the two files that were made together, or provision this device again: %w", ErrKeyMismatch, err)
	}
	return err
}

// withoutCertificate keeps what is needed to verify an endpoint.
func withoutCertificate(identity *tls.Config) *tls.Config {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if identity != nil {
		cfg.RootCAs = identity.RootCAs
	}
	return cfg
}

// forEndpoint returns the TLS settings for one host:port. On port 443 IoT Core
// tells MQTT from HTTPS by ALPN:
// https://docs.aws.amazon.com/iot/latest/developerguide/protocols.html.
func forEndpoint(identity *tls.Config, endpoint, alpn string) (*tls.Config, error) {
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint %q: want host:port: %w", endpoint, err)
	}
	cfg := identity.Clone()
	cfg.ServerName = host
	if port == "443" && alpn != "" {
		cfg.NextProtos = []string{alpn}
	}
	return cfg, nil
}
