package httpapi

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// KeySource knows an issuer's public keys by their id.
type KeySource interface {
	Key(ctx context.Context, kid string) (*rsa.PublicKey, error)
}

var errNoToken = errors.New("no token")

// scopeError means a good token that lacks the route's scopes.
type scopeError struct{ want []string }

func (e *scopeError) Error() string {
	return "the token has none of the scopes " + strings.Join(e.want, ", ")
}

// authorizer checks tokens as API Gateway's JWT authorizer does:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
type authorizer struct {
	header, query string // where the token is
	audience      []string
	keys          KeySource
	parser        *jwt.Parser
}

func newAuthorizer(p AuthorizerProperties, issuerFor func(string) (string, KeySource)) (*authorizer, error) {
	if p.AuthorizerType != "JWT" {
		return nil, fmt.Errorf("its type is %q, only JWT is known", p.AuthorizerType)
	}
	if len(p.JwtConfiguration.Audience) == 0 || p.JwtConfiguration.Issuer == "" {
		return nil, errors.New("its JwtConfiguration needs an issuer and an audience")
	}
	a := &authorizer{audience: p.JwtConfiguration.Audience}
	source := "$request.header.Authorization"
	if len(p.IdentitySource) > 0 {
		source = p.IdentitySource[0]
	}
	if name, ok := strings.CutPrefix(source, "$request.header."); ok {
		a.header = name
	} else if name, ok := strings.CutPrefix(source, "$request.querystring."); ok {
		a.query = name
	} else {
		return nil, fmt.Errorf("its identity source %q is neither a header nor a query parameter", source)
	}
	issuer, keys := issuerFor(p.JwtConfiguration.Issuer)
	if issuer == "" || keys == nil {
		return nil, fmt.Errorf("nobody here issues tokens for %s", p.JwtConfiguration.Issuer)
	}
	a.keys = keys
	a.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256", "RS384", "RS512"}),
		jwt.WithIssuer(issuer), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithJSONNumber(), jwt.WithStrictDecoding(),
	)
	return a, nil
}

// check returns who is calling, a *scopeError, or why the token is refused.
func (a *authorizer) check(r *http.Request, scopes []string) (*identity, error) {
	ctx := r.Context()
	token := r.Header.Get(a.header)
	if a.query != "" {
		token = r.URL.Query().Get(a.query)
	}
	if prefix := "bearer "; len(token) > len(prefix) && strings.EqualFold(token[:len(prefix)], prefix) {
		token = token[len(prefix):]
	}
	if token == "" {
		return nil, errNoToken
	}
	claims := jwt.MapClaims{}
	_, err := a.parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		if kid == "" {
			return nil, errors.New("the token names no key")
		}
		return a.keys.Key(ctx, kid)
	})
	if err != nil {
		return nil, err
	}
	if err := a.checkAudience(claims); err != nil {
		return nil, err
	}
	who := &identity{Claims: claimStrings(claims)}
	if len(scopes) > 0 {
		granted := tokenScopes(claims)
		for _, s := range scopes {
			if slices.Contains(granted, s) {
				who.Scopes = append(who.Scopes, s)
			}
		}
		if who.Scopes == nil {
			return nil, &scopeError{scopes}
		}
	}
	return who, nil
}

// checkAudience looks at client_id only where there is no aud.
func (a *authorizer) checkAudience(claims jwt.MapClaims) error {
	audience, err := claims.GetAudience()
	if err != nil {
		return err
	}
	if _, has := claims["aud"]; !has {
		if id, ok := claims["client_id"].(string); ok {
			audience = []string{id}
		}
	}
	if !slices.ContainsFunc(audience, func(s string) bool { return slices.Contains(a.audience, s) }) {
		return jwt.ErrTokenInvalidAudience
	}
	return nil
}

// tokenScopes reads scope or scp, a list or words.
func tokenScopes(claims jwt.MapClaims) []string {
	value, ok := claims["scope"]
	if !ok {
		value = claims["scp"]
	}
	switch v := value.(type) {
	case string:
		return strings.Fields(v)
	case []any:
		var scopes []string
		for _, s := range v {
			if s, ok := s.(string); ok {
				scopes = append(scopes, s)
			}
		}
		return scopes
	}
	return nil
}

// claimStrings makes every claim a string, lists as [a b].
func claimStrings(claims jwt.MapClaims) map[string]string {
	out := make(map[string]string, len(claims))
	for name, value := range claims {
		switch v := value.(type) {
		case string:
			out[name] = v
		case []any, bool, json.Number, nil:
			out[name] = fmt.Sprint(v)
		default:
			b, _ := json.Marshal(v) // it has just been unmarshaled
			out[name] = string(b)
		}
	}
	return out
}
