package oidc

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	zoidc "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

var errUnsupported = errors.New("not offered by the local sign-in")

// storage implements op.Storage over a Provider.
type storage struct{ p *Provider }

func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if c := s.p.clients[id]; c != nil {
		return c, nil
	}
	return nil, errors.New("unknown client")
}

func (s *storage) CreateAuthRequest(_ context.Context, in *zoidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if in.CodeChallenge == "" || in.CodeChallengeMethod != zoidc.CodeChallengeMethodS256 {
		return nil, zoidc.ErrInvalidRequest().WithDescription("code_challenge with method S256 is required")
	}
	if slices.Contains(in.Prompt, zoidc.PromptNone) { // there are no sessions to go on with
		return nil, zoidc.ErrLoginRequired()
	}
	c := s.p.clients[in.ClientID]
	// Cognito hands out refresh tokens without being asked, the library only
	// with this scope.
	scopes := []string{zoidc.ScopeOfflineAccess}
	for _, scope := range in.Scopes {
		switch {
		case c.IsScopeAllowed(scope):
			scopes = append(scopes, scope)
		case scope != zoidc.ScopeOfflineAccess:
			return nil, zoidc.ErrInvalidScope().WithDescription("scope %s is not allowed for this client", scope)
		}
	}
	return s.p.requests.add(request{
		clientID: in.ClientID, redirect: in.RedirectURI, state: in.State, nonce: in.Nonce, mode: in.ResponseMode,
		challenge: &zoidc.CodeChallenge{Challenge: in.CodeChallenge, Method: in.CodeChallengeMethod}, scopes: scopes,
	}), nil
}

func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	r, err := s.p.requests.get(id)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (s *storage) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	r, err := s.p.requests.redeem(code)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	return s.p.requests.setCode(id, code)
}

func (s *storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.p.requests.remove(id)
	return nil
}

func (s *storage) CreateAccessToken(_ context.Context, r op.TokenRequest) (string, time.Time, error) {
	c := s.p.clients[r.GetAudience()[0]]
	return newUUID(), time.Now().Add(c.access), nil
}

// CreateAccessAndRefreshTokens returns the current refresh token again: like
// Cognito's they are not rotated, so an answer that gets lost locks nobody out.
func (s *storage) CreateAccessAndRefreshTokens(ctx context.Context, r op.TokenRequest, current string) (string, string, time.Time, error) {
	id, expires, err := s.CreateAccessToken(ctx, r)
	if err != nil || current != "" {
		return id, current, expires, err
	}
	in, ok := r.(*request)
	if !ok {
		return "", "", time.Time{}, errUnsupported
	}
	token := rand.Text() + rand.Text()
	err = s.p.store.saveRefresh(token, refreshRecord{
		Sub: in.sub, Client: in.clientID, Scopes: withoutOffline(in.scopes), AuthTime: in.authTime,
		Expires: time.Now().Add(s.p.clients[in.clientID].refreshT),
	})
	return id, token, expires, err
}

func (s *storage) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	r, ok := s.p.store.refresh(token)
	if !ok || s.p.clients[r.Client] == nil {
		return nil, op.ErrInvalidRefreshToken
	}
	if _, ok := s.p.userBySub(r.Sub); !ok {
		return nil, op.ErrInvalidRefreshToken
	}
	return &refreshRequest{request{sub: r.Sub, clientID: r.Client, scopes: r.Scopes, authTime: r.AuthTime}}, nil
}

// TerminateSession makes the refresh tokens of a user's app void.
func (s *storage) TerminateSession(_ context.Context, sub, clientID string) error {
	if sub == "" { // logged out without saying who
		return nil
	}
	return s.p.store.revokeAll(sub, clientID)
}

func (s *storage) RevokeToken(_ context.Context, token, _, clientID string) *zoidc.Error {
	if r, ok := s.p.store.refresh(token); !ok || r.Client != clientID {
		return nil // RFC 7009 §2.2: nothing to revoke is fine
	}
	if err := s.p.store.revoke(token); err != nil {
		return zoidc.ErrServerError().WithParent(err)
	}
	return nil
}

func (s *storage) GetRefreshTokenInfo(_ context.Context, clientID, token string) (string, string, error) {
	if r, ok := s.p.store.refresh(token); ok && r.Client == clientID {
		return r.Sub, token, nil
	}
	return "", "", op.ErrInvalidRefreshToken
}

// GetPrivateClaimsFromRequest gives access tokens Cognito's claims.
func (s *storage) GetPrivateClaimsFromRequest(_ context.Context, r op.TokenRequest, _ []string) (map[string]any, error) {
	return map[string]any{
		"token_use": "access", "username": r.GetSubject(), "version": 2,
		"scope": strings.Join(withoutOffline(r.GetScopes()), " "),
	}, nil
}

// SetUserinfoFromScopes gives ID tokens Cognito's claims.
func (s *storage) SetUserinfoFromScopes(_ context.Context, info *zoidc.UserInfo, sub, _ string, _ []string) error {
	if err := s.setUser(info, sub); err != nil {
		return err
	}
	info.AppendClaims("token_use", "id")
	info.AppendClaims("cognito:username", sub)
	return nil
}

func (s *storage) SetUserinfoFromToken(_ context.Context, info *zoidc.UserInfo, _, sub, _ string) error {
	return s.setUser(info, sub)
}

func (s *storage) setUser(info *zoidc.UserInfo, sub string) error {
	u, ok := s.p.userBySub(sub)
	if !ok {
		return errors.New("no such user")
	}
	info.Subject, info.Email, info.EmailVerified = sub, u.Email, true
	return nil
}

func (s *storage) SigningKey(context.Context) (op.SigningKey, error) {
	return signingKey{s.p.store}, nil
}

func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (s *storage) KeySet(context.Context) ([]op.Key, error) {
	return []op.Key{publicKey{s.p.store}}, nil
}

func (s *storage) Health(context.Context) error { return nil }

// What follows belongs to flows that are not offered.

func (s *storage) AuthorizeClientIDSecret(context.Context, string, string) error {
	return errUnsupported
}

func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, errUnsupported
}

func (s *storage) SetIntrospectionFromToken(context.Context, *zoidc.IntrospectionResponse, string, string, string) error {
	return errUnsupported
}

func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errUnsupported
}

func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errUnsupported
}

func withoutOffline(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == zoidc.ScopeOfflineAccess })
}
