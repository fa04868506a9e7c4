package oidc

import (
	"context"
	"crypto/rsa"
	"errors"

	jose "github.com/go-jose/go-jose/v4"
)

// Keys returns the public keys that tokens are signed with.
func (p *Provider) Keys() *Keys { return &Keys{p.store} }

// Keys looks public keys up by id, without a request.
type Keys struct{ s *store }

// Key returns the key called kid.
func (k *Keys) Key(_ context.Context, kid string) (*rsa.PublicKey, error) {
	if kid != k.s.kid {
		return nil, errors.New("unknown signing key")
	}
	return &k.s.key.PublicKey, nil
}

type signingKey struct{ s *store }

func (k signingKey) ID() string                                  { return k.s.kid }
func (k signingKey) Key() any                                    { return k.s.key }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }

type publicKey struct{ s *store }

func (k publicKey) ID() string                         { return k.s.kid }
func (k publicKey) Key() any                           { return &k.s.key.PublicKey }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
