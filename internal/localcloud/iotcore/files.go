package iotcore

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"porchlight/internal/atomicfile"
	"porchlight/internal/event"
	"porchlight/internal/localcloud/iotcore/pki"
	"porchlight/internal/localcloud/iotcore/registry"
)

// ErrUnknownThing means that no thing has that name.
var ErrUnknownThing = errors.New("unknown thing")

// Files are the paths of what a device needs to connect.
type Files struct {
	Certificate string // PEM
	Key         string // PEM, PKCS #8
	CA          string // PEM, to verify the endpoints with
}

// RegisterThing makes a thing and returns the files it connects with; their
// certificate has exactly these policies. Files that still work are kept.
func (c *Core) RegisterThing(name string, policies ...string) (Files, error) {
	if err := event.ValidateThing(name); err != nil {
		return Files{}, err
	}
	for _, p := range policies {
		if _, ok := c.policies[p]; !ok {
			return Files{}, fmt.Errorf("register thing %s: there is no IoT policy %q", name, p)
		}
	}
	files, err := c.registerFiles(name, policies)
	if err != nil {
		return Files{}, fmt.Errorf("register thing %s: %w", name, err)
	}
	return files, nil
}

func (c *Core) registerFiles(name string, policies []string) (Files, error) {
	c.registering.Lock()
	defer c.registering.Unlock()
	if _, err := c.registry.Thing(name); errors.Is(err, registry.ErrNotFound) {
		if _, err := c.registry.CreateThing(name, nil); err != nil {
			return Files{}, err
		}
	}
	dir := filepath.Join(c.cfg.Dir, "things", name)
	files := Files{
		Certificate: filepath.Join(dir, "certificate.pem"),
		Key:         filepath.Join(dir, "private.key"),
		CA:          filepath.Join(dir, "ca.pem"),
	}
	id, ok := c.usable(files)
	if !ok {
		var err error
		if id, err = c.issueFiles(dir, files, name); err != nil {
			return Files{}, err
		}
	}
	if err := c.registry.SetPolicies(id, policies); err != nil {
		return Files{}, err
	}
	return files, c.registry.AttachThing(name, id)
}

// usable returns the id of the files' certificate if it is active and of this
// authority, and nothing is missing beside it.
func (c *Core) usable(files Files) (id string, ok bool) {
	cert, err := pki.ReadCertificate(files.Certificate)
	if err != nil {
		return "", false
	}
	id = pki.Fingerprint(cert)
	if known, err := c.registry.Certificate(id); err != nil || known.Status != registry.Active {
		return "", false
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: c.authority.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return "", false
	}
	for _, path := range []string{files.Key, files.CA} {
		if _, err := os.Stat(path); err != nil {
			return "", false
		}
	}
	return id, true
}

func (c *Core) issueFiles(dir string, files Files, name string) (id string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	certPEM, keyPEM, err := c.authority.Device(name)
	if err != nil {
		return "", err
	}
	// The certificate comes last: without it the files do not count as usable.
	for _, f := range []struct {
		path string
		data []byte
	}{{files.CA, c.authority.CertificatePEM()}, {files.Key, keyPEM}, {files.Certificate, certPEM}} {
		if err := atomicfile.Write(f.path, f.data, 0o600); err != nil {
			return "", err
		}
	}
	return c.registry.AddCertificate(certPEM, registry.Active)
}

// RevokeThing ends the use of all certificates of a thing, connected clients
// included. Registering it again issues a new one.
func (c *Core) RevokeThing(name string) error {
	err := c.registry.RevokeThing(name)
	if errors.Is(err, registry.ErrNotFound) {
		return fmt.Errorf("%w: %s", ErrUnknownThing, name)
	}
	return err
}
