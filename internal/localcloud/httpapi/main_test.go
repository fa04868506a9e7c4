package httpapi

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	templateIssuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"
	localIssuer    = "http://127.0.0.1:8080/oidc"
	functionARN    = "arn:aws:lambda:us-east-1:000000000000:function:api"
)

// keyring is a KeySource with one key, "k1".
type keyring struct{ key *rsa.PrivateKey }

func (k keyring) Key(_ context.Context, kid string) (*rsa.PublicKey, error) {
	if kid != "k1" {
		return nil, errors.New("unknown key")
	}
	return &k.key.PublicKey, nil
}

// world is an API with what its function saw and answers.
type world struct {
	*API
	keys   keyring
	event  events.APIGatewayV2HTTPRequest
	raw    map[string]any
	answer string
	failed string
	err    error
}

func newWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	w := &world{keys: keyring{key}, answer: `{"statusCode":200,"body":"ok"}`}
	auth := AuthorizerProperties{AuthorizerType: "JWT", IdentitySource: []string{"$request.header.Authorization"}}
	auth.JwtConfiguration.Issuer, auth.JwtConfiguration.Audience = templateIssuer, []string{"app"}
	jwtRoute := func(key string) RouteProperties {
		return RouteProperties{RouteKey: key, Target: "integrations/i1", AuthorizationType: "JWT", AuthorizerID: "a1", AuthorizationScopes: []string{"openid"}}
	}
	cfg := Config{
		Logger: slog.New(slog.DiscardHandler), ID: "abc", Region: "us-east-1", Account: "000000000000",
		API: APIProperties{ProtocolType: "HTTP"},
		Routes: []RouteProperties{
			jwtRoute("GET /v1/events"), jwtRoute("GET /v1/events/{event_id}"),
			{RouteKey: "ANY /open/{proxy+}", Target: "integrations/i1"},
			{RouteKey: "POST /open/form", Target: "integrations/i1", AuthorizationType: "NONE"},
		},
		Integrations: map[string]IntegrationProperties{"i1": {IntegrationType: "AWS_PROXY", IntegrationURI: functionARN, PayloadFormatVersion: "2.0"}},
		Authorizers:  map[string]AuthorizerProperties{"a1": auth},
		Permitted:    func(string, string) bool { return true },
		Invoke: func(_ context.Context, arn string, payload []byte) ([]byte, string, error) {
			require.Equal(t, functionARN, arn)
			w.event, w.raw = events.APIGatewayV2HTTPRequest{}, nil
			require.NoError(t, json.Unmarshal(payload, &w.event))
			require.NoError(t, json.Unmarshal(payload, &w.raw))
			return []byte(w.answer), w.failed, w.err
		},
		IssuerFor: func(issuer string) (string, KeySource) {
			require.Equal(t, templateIssuer, issuer)
			return localIssuer, w.keys
		},
	}
	if change != nil {
		change(&cfg)
	}
	w.API, err = New(cfg)
	require.NoError(t, err)
	return w
}

func (w *world) do(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

func get(target string) *http.Request { return httptest.NewRequest(http.MethodGet, target, nil) }

// claims is a good access token's content.
func claims() jwt.MapClaims {
	now := time.Now()
	return jwt.MapClaims{
		"iss": localIssuer, "sub": "0f5a", "client_id": "app", "scope": "openid email", "token_use": "access",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(), "username": "0f5a",
		"cognito:groups": []string{"admin", "family"}, "email_verified": true,
	}
}

func sign(t *testing.T, method jwt.SigningMethod, key any, kid string, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	if kid != "" {
		token.Header["kid"] = kid
	}
	s, err := token.SignedString(key)
	require.NoError(t, err)
	return s
}

func bearer(r *http.Request, token string) *http.Request {
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func reader(s string) io.Reader { return strings.NewReader(s) }
