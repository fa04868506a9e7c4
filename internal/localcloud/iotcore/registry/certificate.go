package registry

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"time"

	"porchlight/internal/localcloud/iotcore/pki"
)

// Status of a certificate, as in the AWS API.
type Status string

// The statuses that occur here.
const (
	Active   Status = "ACTIVE"
	Inactive Status = "INACTIVE"
	Revoked  Status = "REVOKED"
	Pending  Status = "PENDING_ACTIVATION"
)

// Certificate is one that may authenticate a client.
type Certificate struct {
	Status   Status     `json:"status"`
	PEM      string     `json:"pem,omitempty"` // empty when only the id is known
	Policies []string   `json:"policies,omitempty"`
	Things   []string   `json:"things,omitempty"`
	Created  time.Time  `json:"created"`
	Modified time.Time  `json:"modified"`
	Pending  *Ownership `json:"pending,omitempty"` // until provisioning takes it up
}

// X509 returns the parsed certificate.
func (c Certificate) X509() (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(c.PEM))
	if block == nil {
		return nil, fmt.Errorf("%w: the certificate itself is not kept here", ErrNotFound)
	}
	return x509.ParseCertificate(block.Bytes)
}

// AddCertificate registers a certificate that this account's authority issued.
func (r *Registry) AddCertificate(certPEM []byte, status Status) (id string, err error) {
	if id, err = idOf(certPEM); err != nil {
		return "", err
	}
	return id, r.change(func(s *state, now time.Time) error {
		return s.add(id, Certificate{Status: status, PEM: string(certPEM), Created: now, Modified: now})
	})
}

func idOf(certPEM []byte) (string, error) {
	cert, err := Certificate{PEM: string(certPEM)}.X509()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return pki.Fingerprint(cert), nil
}

func (s *state) add(id string, c Certificate) error {
	if len(s.Certificates) >= maxCertificates {
		return fmt.Errorf("%w: %d certificates: delete those that are no longer used", ErrLimit, maxCertificates)
	}
	if _, known := s.Certificates[id]; known {
		return fmt.Errorf("certificate %s: %w", id, ErrExists)
	}
	s.Certificates[id] = c
	return nil
}

func (s *state) certificate(id string) (Certificate, error) {
	c, ok := s.Certificates[id]
	if !ok {
		return Certificate{}, fmt.Errorf("certificate %s: %w", id, ErrNotFound)
	}
	c.Policies, c.Things = slices.Clone(c.Policies), slices.Clone(c.Things)
	return c, nil
}

// Certificate returns one by its id.
func (r *Registry) Certificate(id string) (Certificate, error) { return r.state.Load().certificate(id) }

// Certificates returns the ids in order.
func (r *Registry) Certificates() []string {
	return slices.Sorted(maps.Keys(r.state.Load().Certificates))
}

// edit changes one certificate and then tells of it.
func (r *Registry) edit(id string, f func(s *state, c *Certificate) error) error {
	err := r.change(func(s *state, now time.Time) error {
		c, err := s.certificate(id)
		if err != nil {
			return err
		}
		if err := f(s, &c); err != nil {
			return err
		}
		c.Modified = now
		s.Certificates[id] = c
		return nil
	})
	if err == nil {
		r.cfg.Changed(id)
	}
	return err
}

// SetStatus activates, deactivates or revokes a certificate. One that was
// revoked may become active again, as on AWS.
func (r *Registry) SetStatus(id string, status Status) error {
	if status != Active && status != Inactive && status != Revoked {
		return fmt.Errorf("%w: the status %q cannot be set: use ACTIVE, INACTIVE or REVOKED", ErrInvalid, status)
	}
	return r.edit(id, func(_ *state, c *Certificate) error {
		c.Status, c.Pending = status, nil
		return nil
	})
}

// AttachPolicy gives a certificate a policy; doing so twice is no error.
func (r *Registry) AttachPolicy(id, policy string) error {
	return r.edit(id, func(_ *state, c *Certificate) error { return c.attach(policy) })
}

func (c *Certificate) attach(policy string) error {
	if slices.Contains(c.Policies, policy) {
		return nil
	}
	if len(c.Policies) >= maxPolicies {
		return fmt.Errorf("%w: %d policies on one certificate", ErrLimit, maxPolicies)
	}
	c.Policies = append(c.Policies, policy)
	return nil
}

// SetPolicies makes these the policies of a certificate.
func (r *Registry) SetPolicies(id string, policies []string) error {
	return r.edit(id, func(_ *state, c *Certificate) error {
		c.Policies = slices.Clone(policies)
		return nil
	})
}

// DetachPolicy takes a policy from a certificate; one it does not have is no error.
func (r *Registry) DetachPolicy(id, policy string) error {
	return r.edit(id, func(_ *state, c *Certificate) error {
		c.Policies = slices.DeleteFunc(c.Policies, func(p string) bool { return p == policy })
		return nil
	})
}

// Targets returns the ids of the certificates that carry a policy, in order.
func (r *Registry) Targets(policy string) []string {
	return r.certificatesWhere(func(c Certificate) bool { return slices.Contains(c.Policies, policy) })
}

func (r *Registry) certificatesWhere(match func(Certificate) bool) []string {
	ids := []string{}
	for id, c := range r.state.Load().Certificates {
		if match(c) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// DeleteCertificate forgets a certificate. It must be attached to no thing, and
// inactive or revoked; with force a policy and the active status do not count.
func (r *Registry) DeleteCertificate(id string, force bool) error {
	err := r.change(func(s *state, _ time.Time) error {
		c, err := s.certificate(id)
		switch {
		case err != nil:
			return err
		case len(c.Things) > 0:
			return fmt.Errorf("certificate %s: %w: detach it from thing %s first", id, ErrDeleteConflict, c.Things[0])
		case len(c.Policies) > 0 && !force:
			return fmt.Errorf("certificate %s: %w: detach policy %s first", id, ErrDeleteConflict, c.Policies[0])
		case c.Status == Active && !force:
			return fmt.Errorf("certificate %s: %w: it is active: make it INACTIVE first", id, ErrState)
		}
		delete(s.Certificates, id)
		return nil
	})
	if err == nil {
		r.cfg.Changed(id)
	}
	return err
}
