package iotcore

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"porchlight/internal/atomicfile"
	"porchlight/internal/event"
	"porchlight/internal/localcloud/iotcore/pki"
)

// ErrUnknownThing means that no thing has that name.
var ErrUnknownThing = errors.New("unknown thing")

// Files are the paths of what a device needs to connect.
type Files struct {
	Certificate string // PEM
	Key         string // PEM, PKCS #8
	CA          string // PEM, to verify the endpoints with
}

// registry knows which certificate is which thing's. It is written whole, and
// before any certificate in it is of use.
type registry struct {
	dir       string
	authority *pki.Authority

	mu     sync.RWMutex
	things map[string]thing // by name; values are never changed in place
}

type thing struct {
	Policies     []string          `json:"policies"`
	Certificates map[string]string `json:"certificates"` // status by fingerprint
}

// Statuses of certificates, as in the AWS API.
const (
	statusActive  = "ACTIVE"
	statusRevoked = "REVOKED"
)

func openRegistry(dir string, authority *pki.Authority) (*registry, error) {
	r := &registry{dir: dir, authority: authority, things: map[string]thing{}}
	b, err := os.ReadFile(r.path())
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the registry of things: %w", err)
	}
	if err := json.Unmarshal(b, &r.things); err != nil {
		return nil, fmt.Errorf("the registry of things %s is damaged (%w): restore it, or remove it and register every thing again", r.path(), err)
	}
	return r, nil
}

func (r *registry) path() string { return filepath.Join(r.dir, "registry.json") }

// register makes the thing known with the given policies. Its certificate is
// kept when there is one that still works.
func (r *registry) register(name string, policies []string) (Files, error) {
	if err := event.ValidateThing(name); err != nil {
		return Files{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	dir := filepath.Join(r.dir, "things", name)
	files := Files{
		Certificate: filepath.Join(dir, "certificate.pem"),
		Key:         filepath.Join(dir, "private.key"),
		CA:          filepath.Join(dir, "ca.pem"),
	}
	known := r.things[name]
	next := thing{Policies: slices.Clone(policies), Certificates: map[string]string{}}
	for fingerprint, status := range known.Certificates {
		next.Certificates[fingerprint] = status
	}
	if !r.usable(files, known) {
		fingerprint, err := r.issue(dir, files, name)
		if err != nil {
			return Files{}, fmt.Errorf("register thing %s: %w", name, err)
		}
		next.Certificates[fingerprint] = statusActive
	}
	return files, r.store(name, next)
}

// usable reports whether the files hold an active certificate of this authority.
func (r *registry) usable(files Files, known thing) bool {
	cert, err := pki.ReadCertificate(files.Certificate)
	if err != nil || known.Certificates[pki.Fingerprint(cert)] != statusActive {
		return false
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: r.authority.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return false
	}
	for _, path := range []string{files.Key, files.CA} {
		if _, err := os.Stat(path); err != nil {
			return false
		}
	}
	return true
}

func (r *registry) issue(dir string, files Files, name string) (fingerprint string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	certPEM, keyPEM, err := r.authority.Device(name)
	if err != nil {
		return "", err
	}
	// The certificate comes last: without it the files do not count as usable.
	for _, f := range []struct {
		path string
		data []byte
	}{{files.CA, r.authority.CertificatePEM()}, {files.Key, keyPEM}, {files.Certificate, certPEM}} {
		if err := atomicfile.Write(f.path, f.data); err != nil {
			return "", err
		}
	}
	cert, err := pki.ReadCertificate(files.Certificate)
	if err != nil {
		return "", err
	}
	return pki.Fingerprint(cert), nil
}

func (r *registry) revoke(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.things[name]
	if !ok {
		return fmt.Errorf("%w: %s", ErrUnknownThing, name)
	}
	next := thing{Policies: known.Policies, Certificates: map[string]string{}}
	for fingerprint := range known.Certificates {
		next.Certificates[fingerprint] = statusRevoked
	}
	return r.store(name, next)
}

// store writes the registry and then adopts the change. The lock is held.
func (r *registry) store(name string, t thing) error {
	next := make(map[string]thing, len(r.things)+1)
	for k, v := range r.things {
		next[k] = v
	}
	next[name] = t
	b, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	if err := atomicfile.Write(r.path(), b); err != nil {
		return err
	}
	r.things = next
	return nil
}

// identify returns the thing whose active certificate this is.
func (r *registry) identify(fingerprint string) (name string, policies []string, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for name, t := range r.things {
		if t.Certificates[fingerprint] == statusActive {
			return name, t.Policies, true
		}
	}
	return "", nil, false
}
