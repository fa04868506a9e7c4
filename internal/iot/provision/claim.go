package provision

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"

	"porchlight/internal/atomicfile"
	"porchlight/internal/iot"
)

// Topics of the provisioning API; answers come below them, on /accepted and
// /rejected.
const createTopic = "$aws/certificates/create-from-csr/json"

func provisionTopic(template string) string {
	return "$aws/provisioning-templates/" + template + "/provision/json"
}

// claim connects with the claim certificate and comes back with an identity,
// which has not been used yet.
func (p *provisioner) claim(ctx context.Context) error {
	identity, err := iot.LoadIdentity(p.cfg.ClaimCertificate, p.cfg.ClaimKey, p.cfg.CA)
	if err != nil {
		return fmt.Errorf("%w: claim: %w", ErrConfig, err)
	}
	// Many devices share the certificate, and two connections with one client
	// id would end each other.
	s, err := p.dial(ctx, identity, "claim-"+p.serial+"-"+rand.Text()[:8])
	if errors.Is(err, errConnectRefused) {
		return fmt.Errorf("%w: check that the claim certificate is active and has the claim policy", err)
	} else if err != nil {
		return err
	}
	defer s.close()
	if p.asked == nil {
		if err := p.askCertificate(ctx, s); err != nil {
			return err
		}
	}
	err = p.register(ctx, s)
	if errors.Is(err, errToken) {
		// Used before the device was switched off, or too old. Another
		// certificate for the same key does.
		p.asked = nil
		p.files.forgetPending()
		if err := p.askCertificate(ctx, s); err != nil {
			return err
		}
		err = p.register(ctx, s)
	}
	return err
}

// askCertificate has the device's key certified.
func (p *provisioner) askCertificate(ctx context.Context, s *session) error {
	request, err := p.key.Request(p.serial)
	if err != nil {
		return err
	}
	payload, err := s.call(ctx, createTopic, map[string]string{"certificateSigningRequest": request})
	if err != nil {
		return explain(err, p.serial)
	}
	asked, err := parseCreated(payload, p.key)
	if err != nil {
		return fmt.Errorf("answer on %s: %w", createTopic, err)
	}
	if err := p.files.savePending(asked); err != nil {
		return err
	}
	p.asked = &asked
	return nil
}

// register makes the certificate a thing's.
func (p *provisioner) register(ctx context.Context, s *session) error {
	parameters := map[string]string{serialParameter: p.serial}
	maps.Copy(parameters, p.cfg.Parameters)
	topic := provisionTopic(p.cfg.Template)
	payload, err := s.call(ctx, topic, map[string]any{"certificateOwnershipToken": p.asked.Token, "parameters": parameters})
	if err != nil {
		return explain(err, p.serial)
	}
	got, err := parseProvisioned(payload)
	if err != nil {
		return fmt.Errorf("answer on %s: %w", topic, err)
	}
	got.CertificateID = p.asked.CertificateID
	if err := atomicfile.Write(p.files.certificate(), []byte(p.asked.Certificate), 0o600); err != nil {
		return err
	}
	if err := p.files.saveIdentity(got); err != nil {
		return err
	}
	p.saved = &got
	return nil
}

// connectOnce proves that the new certificate connects as the thing.
func (p *provisioner) connectOnce(ctx context.Context) error {
	identity, err := iot.LoadIdentity(p.files.certificate(), p.files.key(), p.cfg.CA)
	if err != nil {
		return err
	}
	s, err := p.dial(ctx, identity, p.saved.Thing)
	if err != nil {
		return fmt.Errorf("connect as thing %s: %w", p.saved.Thing, err)
	}
	s.close()
	return nil
}

func (p *provisioner) dial(ctx context.Context, identity *tls.Config, clientID string) (*session, error) {
	config, err := iot.MQTTConfig(identity, p.cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return dial(ctx, p.cfg.Endpoint, config, clientID)
}
