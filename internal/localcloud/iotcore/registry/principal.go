package registry

import (
	"fmt"
	"slices"
	"time"
)

// Principal is who a certificate stands for now.
type Principal struct {
	CertificateID string
	Policies      []string
	Things        []string
	Claim         string // provisioning template of a temporary claim, else empty
	Expires       time.Time
	state         *state
}

// Identify returns who may connect with a certificate: one that is active, or a
// claim that has not run out.
func (r *Registry) Identify(id string) (Principal, bool) {
	s := r.state.Load()
	if c, ok := s.Certificates[id]; ok && c.Status == Active {
		return Principal{CertificateID: id, Policies: c.Policies, Things: c.Things, state: s}, true
	}
	if c, ok := s.Claims[id]; ok && r.cfg.Now().Before(c.Expires) {
		return Principal{CertificateID: id, Claim: c.Template, Expires: c.Expires, state: s}, true
	}
	return Principal{}, false
}

// Current reports whether nothing has changed in the registry since p was
// returned.
func (r *Registry) Current(p Principal) bool {
	return p.state != nil && p.state == r.state.Load() && (p.Claim == "" || r.cfg.Now().Before(p.Expires))
}

// IsAttached reports whether the certificate is attached to a thing.
func (p Principal) IsAttached(thing string) bool { return slices.Contains(p.Things, thing) }

// Attributes returns those of a thing the certificate is attached to.
func (p Principal) Attributes(thing string) map[string]string {
	if !p.IsAttached(thing) {
		return nil
	}
	return p.state.Things[thing].Attributes
}

// RevokeThing revokes every certificate attached to a thing.
func (r *Registry) RevokeThing(name string) error {
	ids, err := r.Principals(name)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := r.SetStatus(id, Revoked); err != nil {
			return fmt.Errorf("revoke thing %s: %w", name, err)
		}
	}
	return nil
}
