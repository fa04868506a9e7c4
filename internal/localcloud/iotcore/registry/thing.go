package registry

import (
	"crypto/rand"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"
)

// Thing is one entry of the registry of things.
type Thing struct {
	ID         string            `json:"id"` // UUID
	Attributes map[string]string `json:"attributes,omitempty"`
	Groups     []string          `json:"groups,omitempty"`
	Version    int64             `json:"version"`
	Created    time.Time         `json:"created"`
}

// Limits of AWS IoT Core on attributes of a thing without a type.
const (
	maxAttributes     = 3
	maxAttributeName  = 128
	maxAttributeValue = 800
)

// ValidThingName tells whether AWS accepts the name.
func ValidThingName(name string) error {
	if !regexp.MustCompile(`^[a-zA-Z0-9:_-]{1,128}$`).MatchString(name) {
		return fmt.Errorf("%w: a thing name is 1 to 128 of a-z A-Z 0-9 : _ -", ErrInvalid)
	}
	return nil
}

// ValidAttributes tells whether AWS accepts the attributes of a thing.
func ValidAttributes(attributes map[string]string) error {
	name, value := regexp.MustCompile(`^[a-zA-Z0-9_.,@/:#-]+$`), regexp.MustCompile(`^[a-zA-Z0-9_.,@/:#=\[\]-]*$`)
	if len(attributes) > maxAttributes {
		return fmt.Errorf("%w: a thing without a type has up to %d attributes", ErrInvalid, maxAttributes)
	}
	for k, v := range attributes {
		if len(k) > maxAttributeName || len(v) > maxAttributeValue || !name.MatchString(k) || !value.MatchString(v) {
			return fmt.Errorf("%w: attribute names and values hold letters, digits and _ . , @ / : # - (values also = [ ]), up to %d and %d characters",
				ErrInvalid, maxAttributeName, maxAttributeValue)
		}
	}
	return nil
}

// CreateThing adds a thing. One that is there already with the same attributes
// is returned as it is, as on AWS.
func (r *Registry) CreateThing(name string, attributes map[string]string) (t Thing, err error) {
	err = r.change(func(s *state, now time.Time) error {
		if known, ok := s.Things[name]; ok {
			if t = known; !maps.Equal(t.Attributes, attributes) {
				return fmt.Errorf("thing %s: %w", name, ErrExists)
			}
			return nil
		}
		t, err = s.createThing(name, attributes, now)
		return err
	})
	return t, err
}

func (s *state) createThing(name string, attributes map[string]string, now time.Time) (Thing, error) {
	if err := ValidThingName(name); err != nil {
		return Thing{}, err
	}
	if err := ValidAttributes(attributes); err != nil {
		return Thing{}, err
	}
	if len(s.Things) >= maxThings {
		return Thing{}, fmt.Errorf("%w: %d things: delete those that are gone", ErrLimit, maxThings)
	}
	t := Thing{ID: newID(), Attributes: maps.Clone(attributes), Version: 1, Created: now}
	s.Things[name] = t
	return t, nil
}

// Thing returns one by its name.
func (r *Registry) Thing(name string) (Thing, error) {
	t, ok := r.state.Load().Things[name]
	if !ok {
		return Thing{}, fmt.Errorf("thing %s: %w", name, ErrNotFound)
	}
	return t, nil
}

// Things returns all names in order.
func (r *Registry) Things() []string { return slices.Sorted(maps.Keys(r.state.Load().Things)) }

// UpdateThing replaces the attributes of a thing, or with merge adds to them; an
// empty value removes an attribute. A version other than 0 must be the thing's.
func (r *Registry) UpdateThing(name string, attributes map[string]string, merge bool, expected int64) error {
	return r.change(func(s *state, _ time.Time) error {
		t, err := s.thing(name, expected)
		if err != nil {
			return err
		}
		if t.Attributes, err = mergeAttributes(t.Attributes, attributes, merge); err != nil {
			return err
		}
		t.Version++
		s.Things[name] = t
		return nil
	})
}

func mergeAttributes(old, given map[string]string, merge bool) (map[string]string, error) {
	next := map[string]string{}
	if merge {
		maps.Copy(next, old)
	}
	maps.Copy(next, given)
	maps.DeleteFunc(next, func(_, v string) bool { return v == "" })
	return next, ValidAttributes(next)
}

func (s *state) thing(name string, expected int64) (Thing, error) {
	t, ok := s.Things[name]
	if !ok {
		return Thing{}, fmt.Errorf("thing %s: %w", name, ErrNotFound)
	}
	if expected != 0 && expected != t.Version {
		return Thing{}, fmt.Errorf("thing %s is at version %d: %w", name, t.Version, ErrVersion)
	}
	return t, nil
}

// DeleteThing forgets a thing that no certificate is attached to.
func (r *Registry) DeleteThing(name string, expected int64) error {
	return r.change(func(s *state, _ time.Time) error {
		if _, err := s.thing(name, expected); err != nil {
			return err
		}
		for id, c := range s.Certificates {
			if slices.Contains(c.Things, name) {
				return fmt.Errorf("%w: thing %s cannot be deleted while certificate %s is attached to it: detach it first", ErrInvalid, name, id)
			}
		}
		delete(s.Things, name)
		return nil
	})
}

// AttachThing lets a certificate speak for a thing; doing so twice is no error.
func (r *Registry) AttachThing(name, id string) error {
	return r.edit(id, func(s *state, c *Certificate) error {
		if _, err := s.thing(name, 0); err != nil {
			return err
		}
		return c.join(name)
	})
}

func (c *Certificate) join(thing string) error {
	if slices.Contains(c.Things, thing) {
		return nil
	}
	if len(c.Things) >= maxPrincipals {
		return fmt.Errorf("%w: one certificate for %d things", ErrLimit, maxPrincipals)
	}
	c.Things = append(c.Things, thing)
	return nil
}

// DetachThing ends what AttachThing began.
func (r *Registry) DetachThing(name, id string) error {
	return r.edit(id, func(s *state, c *Certificate) error {
		if _, err := s.thing(name, 0); err != nil {
			return err
		}
		c.Things = slices.DeleteFunc(c.Things, func(t string) bool { return t == name })
		return nil
	})
}

// Principals returns the ids of the certificates attached to a thing, in order.
func (r *Registry) Principals(name string) ([]string, error) {
	if _, err := r.Thing(name); err != nil {
		return nil, err
	}
	return r.certificatesWhere(func(c Certificate) bool { return slices.Contains(c.Things, name) }), nil
}

// newID is a random UUID (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Has reports whether a thing is registered.
func (r *Registry) Has(name string) bool {
	_, err := r.Thing(name)
	return err == nil
}
