package oidc

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	zoidc "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// ClientProperties is what is honored of AWS::Cognito::UserPoolClient.
type ClientProperties struct {
	UserPoolID         string   `json:"UserPoolId"`
	AllowedOAuthFlows  []string // must hold code
	AllowedOAuthScopes []string
	CallbackURLs       []string
	LogoutURLs         []string
	GenerateSecret     bool // must be false

	AccessTokenValidity  int // in TokenValidityUnits; 0: 60 minutes
	IDTokenValidity      int `json:"IdTokenValidity"` // 0: 60 minutes
	RefreshTokenValidity int // 0: 30 days
	TokenValidityUnits   struct {
		AccessToken  string // seconds, minutes, hours (the default) or days
		IDToken      string `json:"IdToken"` // the same
		RefreshToken string // days by default
	}
}

// client implements op.Client: public, with PKCE.
type client struct {
	id                    string
	scopes                []string
	callbacks, logouts    []string
	login                 string // URL
	access, idt, refreshT time.Duration
}

func newClient(id string, p ClientProperties, issuer *url.URL) (*client, error) {
	if p.GenerateSecret {
		return nil, errors.New("it has a secret, which an app in a browser cannot keep: set GenerateSecret to false")
	}
	if !slices.Contains(p.AllowedOAuthFlows, "code") {
		return nil, errors.New("AllowedOAuthFlows must hold code, the only flow that is known")
	}
	if !slices.Contains(p.AllowedOAuthScopes, zoidc.ScopeOpenID) {
		return nil, errors.New("AllowedOAuthScopes must hold openid")
	}
	// The app is served from the issuer's own origin here.
	origin := issuer.Scheme + "://" + issuer.Host
	local := []string{origin + "/", origin + "/callback"}
	c := &client{
		id: id, scopes: p.AllowedOAuthScopes, login: issuer.String() + pathLogin,
		callbacks: slices.Concat(p.CallbackURLs, local), logouts: slices.Concat(p.LogoutURLs, local),
	}
	var err error
	units := p.TokenValidityUnits
	if c.access, err = validity(p.AccessTokenValidity, units.AccessToken, "hours", time.Hour); err != nil {
		return nil, err
	}
	if c.idt, err = validity(p.IDTokenValidity, units.IDToken, "hours", time.Hour); err != nil {
		return nil, err
	}
	if c.refreshT, err = validity(p.RefreshTokenValidity, units.RefreshToken, "days", 30*24*time.Hour); err != nil {
		return nil, err
	}
	return c, nil
}

func validity(n int, unit, defaultUnit string, otherwise time.Duration) (time.Duration, error) {
	if n == 0 {
		return otherwise, nil
	}
	if unit == "" {
		unit = defaultUnit
	}
	of := map[string]time.Duration{"seconds": time.Second, "minutes": time.Minute, "hours": time.Hour, "days": 24 * time.Hour}[unit]
	if of == 0 || n < 0 {
		return 0, fmt.Errorf("token validity of %d %q makes no sense", n, unit)
	}
	return time.Duration(n) * of, nil
}

func (c *client) GetID() string                        { return c.id }
func (c *client) RedirectURIs() []string               { return c.callbacks }
func (c *client) PostLogoutRedirectURIs() []string     { return c.logouts }
func (c *client) ApplicationType() op.ApplicationType  { return op.ApplicationTypeUserAgent }
func (c *client) AuthMethod() zoidc.AuthMethod         { return zoidc.AuthMethodNone }
func (c *client) LoginURL(id string) string            { return c.login + "?id=" + url.QueryEscape(id) }
func (c *client) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeJWT }
func (c *client) IDTokenLifetime() time.Duration       { return c.idt }
func (c *client) DevMode() bool                        { return true } // plain http, on loopback
func (c *client) IDTokenUserinfoClaimsAssertion() bool { return true }
func (c *client) ClockSkew() time.Duration             { return 0 }
func (c *client) IsScopeAllowed(scope string) bool     { return slices.Contains(c.scopes, scope) }
func (c *client) ResponseTypes() []zoidc.ResponseType {
	return []zoidc.ResponseType{zoidc.ResponseTypeCode}
}
func (c *client) GrantTypes() []zoidc.GrantType {
	return []zoidc.GrantType{zoidc.GrantTypeCode, zoidc.GrantTypeRefreshToken}
}

//nolint:revive // the interface spells it so
func (c *client) RestrictAdditionalIdTokenScopes() func([]string) []string { return same }

func (c *client) RestrictAdditionalAccessTokenScopes() func([]string) []string { return same }

func same(scopes []string) []string { return scopes }
