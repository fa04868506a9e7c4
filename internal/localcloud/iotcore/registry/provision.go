package registry

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"time"
)

// Lifetimes and bounds of fleet provisioning. AWS documents the hour and the
// five minutes.
const (
	tokenLife = time.Hour
	// ClaimLife is how long a claim of CreateProvisioningClaim is good for.
	ClaimLife = 5 * time.Minute

	maxPending      = 1000 // certificates waiting to be taken up
	maxPendingOfOne = 200  // of them, asked for by one claim certificate
	tokenBytes      = 32
)

// Ownership is the proof that a pending certificate's holder has to give.
type Ownership struct {
	TokenHash []byte    `json:"token_hash"` // SHA-256; the token itself is not kept
	Expires   time.Time `json:"expires"`
	Requester string    `json:"requester,omitempty"` // id of the claim certificate
}

// Claim is a temporary certificate that may do nothing but provision.
type Claim struct {
	Template string    `json:"template"`
	Expires  time.Time `json:"expires"`
}

// AddClaim registers a claim certificate for one template.
func (r *Registry) AddClaim(certPEM []byte, template string) (id string, expires time.Time, err error) {
	if id, err = idOf(certPEM); err != nil {
		return "", expires, err
	}
	err = r.change(func(s *state, now time.Time) error {
		if len(s.Claims) >= maxClaims {
			return fmt.Errorf("%w: %d claims are open: wait until some have run out", ErrThrottled, maxClaims)
		}
		expires = now.Add(ClaimLife)
		s.Claims[id] = Claim{Template: template, Expires: expires}
		return nil
	})
	return id, expires, err
}

// AddPending registers a certificate that provisioning has yet to take up, and
// returns the token that proves its ownership for an hour.
func (r *Registry) AddPending(certPEM []byte, requester string) (id, token string, err error) {
	if id, err = idOf(certPEM); err != nil {
		return "", "", err
	}
	var secret [tokenBytes]byte
	_, _ = rand.Read(secret[:]) // never fails
	token = base64.RawURLEncoding.EncodeToString(secret[:])
	hash := sha256.Sum256([]byte(token))
	return id, token, r.change(func(s *state, now time.Time) error {
		all, own := 0, 0
		for _, c := range s.Certificates {
			if c.Pending != nil {
				all++
				if c.Pending.Requester == requester {
					own++
				}
			}
		}
		if all >= maxPending || own >= maxPendingOfOne {
			return fmt.Errorf("%w: too many certificates wait to be provisioned", ErrThrottled)
		}
		return s.add(id, Certificate{
			Status: Pending, PEM: string(certPEM), Created: now, Modified: now,
			Pending: &Ownership{TokenHash: hash[:], Expires: now.Add(tokenLife), Requester: requester},
		})
	})
}

// Owned returns the pending certificate that a token stands for.
func (r *Registry) Owned(token string) (id string, c Certificate, err error) {
	return r.state.Load().owned(token, r.cfg.Now())
}

func (s *state) owned(token string, now time.Time) (string, Certificate, error) {
	hash := sha256.Sum256([]byte(token))
	for id, c := range s.Certificates {
		if c.Pending != nil && now.Before(c.Pending.Expires) && subtle.ConstantTimeCompare(c.Pending.TokenHash, hash[:]) == 1 {
			return id, c, nil
		}
	}
	return "", Certificate{}, ErrToken
}

// Override says what becomes of something that is there already.
type Override string

// The overrides that AWS documents for provisioning templates.
const (
	DoNothing Override = "DO_NOTHING"
	Replace   Override = "REPLACE"
	Merge     Override = "MERGE" // attributes and groups only
	Fail      Override = "FAIL"
)

// Plan is what a provisioning template comes to for one device.
type Plan struct {
	Status   Status // of the certificate
	Policies []string
	Thing    string // empty: none
	// Of the thing; the overrides decide where it exists.
	Attributes         map[string]string
	Groups             []string
	AttributesOverride Override
	GroupsOverride     Override
}

// Provision spends a token: it activates the certificate and makes or updates
// the thing, all or nothing.
func (r *Registry) Provision(token string, p Plan) error {
	var id string
	err := r.change(func(s *state, now time.Time) error {
		var c Certificate
		var err error
		if id, c, err = s.owned(token, now); err != nil {
			return err
		}
		c.Status, c.Pending, c.Modified = p.Status, nil, now
		c.Policies, c.Things = slices.Clone(c.Policies), slices.Clone(c.Things)
		for _, policy := range p.Policies {
			if err := c.attach(policy); err != nil {
				return err
			}
		}
		if p.Thing != "" {
			if err := s.provisionThing(p, now); err != nil {
				return err
			}
			if err := c.join(p.Thing); err != nil {
				return err
			}
		}
		s.Certificates[id] = c
		return nil
	})
	if err == nil {
		r.cfg.Changed(id)
	}
	return err
}

func (s *state) provisionThing(p Plan, now time.Time) error {
	t, known := s.Things[p.Thing]
	if !known {
		t, err := s.createThing(p.Thing, p.Attributes, now)
		if err != nil {
			return err
		}
		t.Groups = slices.Clone(p.Groups)
		s.Things[p.Thing] = t
		return nil
	}
	var err error
	switch p.AttributesOverride {
	case Fail:
		return fmt.Errorf("thing %s: %w", p.Thing, ErrExists)
	case Replace, Merge:
		if t.Attributes, err = mergeAttributes(t.Attributes, p.Attributes, p.AttributesOverride == Merge); err != nil {
			return err
		}
	}
	switch p.GroupsOverride {
	case Fail:
		return fmt.Errorf("thing %s: %w", p.Thing, ErrExists)
	case Replace:
		t.Groups = slices.Clone(p.Groups)
	case Merge:
		t.Groups = slices.Compact(slices.Sorted(slices.Values(slices.Concat(t.Groups, p.Groups))))
	}
	t.Version++
	s.Things[p.Thing] = t
	return nil
}
