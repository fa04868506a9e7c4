package httpapi_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"porchlight/internal/localcloud/httpapi"
	"porchlight/internal/localcloud/lambda"
	"porchlight/internal/localcloud/oidc"
	"porchlight/internal/localcloud/oidc/oidctest"
)

// TestSignInToFunction goes the whole way: two people sign in, and the API
// hands their sub to a real bootstrap.
func TestSignInToFunction(t *testing.T) {
	const (
		account = "000000000000"
		fnARN   = "arn:aws:lambda:us-east-1:" + account + ":function:api"
		issuer  = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"
	)
	logger, dir := slog.New(slog.DiscardHandler), t.TempDir()
	bootstrap := filepath.Join(dir, "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-o", bootstrap, "./testdata/function")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	origin := "http://" + ln.Addr().String()

	signIn, err := oidc.New(oidc.Config{
		Logger: logger, Issuer: origin + "/oidc", Path: filepath.Join(dir, "sign-in.db"), PasswordCost: bcrypt.MinCost,
		Clients: map[string]oidc.ClientProperties{"app": {AllowedOAuthFlows: []string{"code"}, AllowedOAuthScopes: []string{"openid", "email"}}},
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, signIn.Close()) }()

	functions, err := lambda.New(lambda.Config{
		Logger: logger, Region: "us-east-1", QueuePath: filepath.Join(dir, "queue.db"),
		Functions: []lambda.Function{{Name: "api", ARN: fnARN, Path: bootstrap, Timeout: 20 * time.Second}},
		Credentials: func(context.Context, string) (string, string, string, time.Time, error) {
			return "k", "s", "t", time.Time{}, nil
		},
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, functions.Close()) }()

	permissions := lambda.Permissions{{
		Action: "lambda:InvokeFunction", FunctionName: fnARN, Principal: "apigateway.amazonaws.com",
		SourceArn: "arn:aws:execute-api:us-east-1:" + account + ":abc/*/*/v1/events/{event_id}",
	}}
	authorizer := httpapi.AuthorizerProperties{AuthorizerType: "JWT", IdentitySource: []string{"$request.header.Authorization"}}
	authorizer.JwtConfiguration.Issuer, authorizer.JwtConfiguration.Audience = issuer, []string{"app"}
	api, err := httpapi.New(httpapi.Config{
		Logger: logger, ID: "abc", Region: "us-east-1", Account: account, API: httpapi.APIProperties{ProtocolType: "HTTP"},
		Routes: []httpapi.RouteProperties{{
			RouteKey: "GET /v1/events/{event_id}", Target: "integrations/i", AuthorizationType: "JWT", AuthorizerID: "a", AuthorizationScopes: []string{"openid"},
		}},
		Integrations: map[string]httpapi.IntegrationProperties{"i": {IntegrationType: "AWS_PROXY", IntegrationURI: fnARN, PayloadFormatVersion: "2.0"}},
		Authorizers:  map[string]httpapi.AuthorizerProperties{"a": authorizer},
		Invoke: func(ctx context.Context, arn string, payload []byte) ([]byte, string, error) {
			res, err := functions.Invoke(ctx, arn, payload)
			return res.Payload, res.FunctionError, err
		},
		Permitted: func(function, source string) bool {
			return permissions.Allow(function, "apigateway.amazonaws.com", source)
		},
		IssuerFor: func(string) (string, httpapi.KeySource) { return origin + "/oidc", signIn.Keys() },
	})
	require.NoError(t, err)

	mux := http.NewServeMux()
	mux.Handle("/oidc/", signIn.Handler())
	mux.Handle("/v1/", api)
	srv := &httptest.Server{Listener: ln, Config: &http.Server{Handler: mux}}
	srv.Start()
	defer srv.Close()

	call := func(token string) (int, map[string]string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, origin+"/v1/events/e1", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := srv.Client().Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		var body map[string]string
		require.NoError(t, json.Unmarshal(b, &body), string(b))
		return res.StatusCode, body
	}
	app := oidctest.App{Issuer: origin + "/oidc", ClientID: "app", RedirectURL: origin + "/callback"}
	for _, email := range []string{"ada@example.org", "bob@example.org"} {
		sub, err := signIn.AddUser(email, "correct horse")
		require.NoError(t, err)
		tokens, err := app.SignIn(t.Context(), email, "correct horse")
		require.NoError(t, err)
		status, body := call(tokens.Access)
		require.Equal(t, 200, status)
		require.Equal(t, map[string]string{"owner": sub, "event_id": "e1"}, body)

		status, _ = call(tokens.ID)
		require.Equal(t, 403, status)
		status, _ = call(tokens.Refresh)
		require.Equal(t, 401, status)
	}
	_, err = app.SignIn(t.Context(), "ada@example.org", "wrong password")
	require.ErrorContains(t, err, "Wrong e-mail or password")
}
