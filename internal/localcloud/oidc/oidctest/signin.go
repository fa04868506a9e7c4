// Package oidctest signs a user in over HTTP as a browser and an app would,
// for tests and tools that need tokens.
package oidctest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Tokens are what the app holds after a sign-in.
type Tokens struct{ Access, ID, Refresh string }

// App is the client that a user signs in to.
type App struct {
	Issuer      string
	ClientID    string
	RedirectURL string   // one that the client may use, such as <origin>/callback
	Scopes      []string // nil: openid and email
}

var hiddenID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// SignIn goes through authorization code with PKCE: discovery, the sign-in
// page, the redirect back (which is not followed) and the token endpoint. The
// ID token is verified.
func (a App) SignIn(ctx context.Context, email, password string) (Tokens, error) {
	browser := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ctx = oidc.ClientContext(ctx, browser)
	provider, err := oidc.NewProvider(ctx, a.Issuer)
	if err != nil {
		return Tokens{}, fmt.Errorf("discovery: %w", err)
	}
	scopes := a.Scopes
	if scopes == nil {
		scopes = []string{oidc.ScopeOpenID, "email"}
	}
	config := oauth2.Config{ClientID: a.ClientID, RedirectURL: a.RedirectURL, Scopes: scopes, Endpoint: provider.Endpoint()}
	config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	verifier, state, nonce := oauth2.GenerateVerifier(), rand.Text(), rand.Text()

	page, _, err := get(ctx, browser, config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce)))
	if err != nil {
		return Tokens{}, fmt.Errorf("authorize: %w", err)
	}
	_, body, err := get(ctx, browser, page)
	if err != nil {
		return Tokens{}, fmt.Errorf("sign-in page: %w", err)
	}
	id := hiddenID.FindStringSubmatch(body)
	if id == nil {
		return Tokens{}, errors.New("the sign-in page has no form: " + body)
	}
	form := url.Values{"id": {html.UnescapeString(id[1])}, "email": {email}, "password": {password}}
	next, body, err := post(ctx, browser, page, form)
	if err != nil {
		return Tokens{}, fmt.Errorf("sign in: %w", err)
	}
	if next == "" {
		return Tokens{}, errors.New("sign-in refused: " + body)
	}
	back, _, err := get(ctx, browser, next)
	if err != nil {
		return Tokens{}, fmt.Errorf("after the sign-in: %w", err)
	}
	u, err := url.Parse(back)
	if err != nil {
		return Tokens{}, err
	}
	if q := u.Query(); q.Get("state") != state || q.Get("code") == "" {
		return Tokens{}, errors.New("redirected without code or state to " + back)
	}
	token, err := config.Exchange(ctx, u.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return Tokens{}, fmt.Errorf("token: %w", err)
	}
	rawID, _ := token.Extra("id_token").(string)
	idToken, err := provider.Verifier(&oidc.Config{ClientID: a.ClientID}).Verify(ctx, rawID)
	if err != nil {
		return Tokens{}, fmt.Errorf("id token: %w", err)
	}
	if idToken.Nonce != nonce {
		return Tokens{}, errors.New("id token has another nonce")
	}
	return Tokens{Access: token.AccessToken, ID: rawID, Refresh: token.RefreshToken}, nil
}

func get(ctx context.Context, c *http.Client, target string) (location, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return "", "", err
	}
	return do(c, req)
}

func post(ctx context.Context, c *http.Client, target string, form url.Values) (location, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(c, req)
}

// do returns the absolute URL a redirect leads to, empty for none.
func do(c *http.Client, req *http.Request) (location, body string, err error) {
	res, err := c.Do(req)
	if err != nil {
		return "", "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return "", "", err
	}
	if u, err := res.Location(); err == nil {
		location = u.String()
	}
	return location, string(b), nil
}
