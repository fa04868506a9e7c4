package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/oauth2"

	"porchlight/internal/localcloud/oidc/oidctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	email    = "Ada@example.org"
	password = "correct horse"
)

// house is a provider that is reached over HTTP and can be started again.
type house struct {
	*Provider
	cfg Config
	app oidctest.App
	sub string
	srv *httptest.Server
}

func properties() ClientProperties {
	return ClientProperties{
		AllowedOAuthFlows: []string{"code"}, AllowedOAuthScopes: []string{"openid", "email"},
		CallbackURLs: []string{"https://app.example/callback"}, LogoutURLs: []string{"https://app.example/"},
	}
}

func newHouse(t *testing.T) *house {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	origin := "http://" + ln.Addr().String()
	h := &house{
		cfg: Config{
			Logger: slog.New(slog.DiscardHandler), Issuer: origin + "/oidc", Path: filepath.Join(t.TempDir(), "sign-in.db"),
			Clients: map[string]ClientProperties{"app": properties()}, PasswordCost: bcrypt.MinCost,
		},
		app: oidctest.App{Issuer: origin + "/oidc", ClientID: "app", RedirectURL: origin + "/callback"},
	}
	h.Provider, err = New(h.cfg)
	require.NoError(t, err)
	h.sub, err = h.AddUser(email, password)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("/oidc/", func(w http.ResponseWriter, r *http.Request) { h.Handler().ServeHTTP(w, r) })
	h.srv = &httptest.Server{Listener: ln, Config: &http.Server{Handler: mux}}
	h.srv.Start()
	t.Cleanup(func() {
		h.srv.Close()
		require.NoError(t, h.Close())
	})
	return h
}

func (h *house) signIn(t *testing.T) oidctest.Tokens {
	t.Helper()
	tokens, err := h.app.SignIn(t.Context(), email, password)
	require.NoError(t, err)
	return tokens
}

// read verifies a token with the provider's keys.
func (h *house) read(t *testing.T, token string) jwt.MapClaims {
	t.Helper()
	claims := jwt.MapClaims{}
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(h.cfg.Issuer)).ParseWithClaims(token, claims,
		func(tok *jwt.Token) (any, error) {
			return h.Keys().Key(context.Background(), tok.Header["kid"].(string))
		})
	require.NoError(t, err)
	return claims
}

// answer is a response whose body has been read.
type answer struct {
	StatusCode int
	Header     http.Header
}

// call sends a request without following redirects.
func (h *house) call(t *testing.T, method, path string, form url.Values, header http.Header) (answer, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.srv.URL+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	res, err := h.srv.Client().Transport.RoundTrip(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{res.StatusCode, res.Header}, string(body)
}

func TestTokensHaveCognitosClaims(t *testing.T) {
	h := newHouse(t)
	tokens := h.signIn(t)
	access := h.read(t, tokens.Access)
	require.Equal(t, h.sub, access["sub"])
	require.Equal(t, h.sub, access["username"])
	require.Equal(t, "app", access["client_id"])
	require.Equal(t, "access", access["token_use"])
	require.Equal(t, "openid email", access["scope"])
	require.InDelta(t, time.Now().Add(time.Hour).Unix(), access["exp"], 60)
	id := h.read(t, tokens.ID)
	require.Equal(t, h.sub, id["sub"])
	require.Equal(t, email, id["email"])
	require.Equal(t, "id", id["token_use"])
	require.Equal(t, []any{"app"}, id["aud"])
	require.NotContains(t, id, "scope")
	require.NotEmpty(t, tokens.Refresh)

	res, body := h.call(t, "GET", "/oidc/oauth2/userInfo", nil, http.Header{"Authorization": {"Bearer " + tokens.Access}})
	require.Equal(t, 200, res.StatusCode, body)
	require.Contains(t, body, email)
}

func refresh(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"app"}}
}

func TestUsersKeyAndRefreshTokensSurvive(t *testing.T) {
	h := newHouse(t)
	tokens := h.signIn(t)
	require.NoError(t, h.Close())
	var err error
	h.Provider, err = New(h.cfg)
	require.NoError(t, err)

	h.read(t, tokens.Access) // same key
	users, err := h.Users()
	require.NoError(t, err)
	require.Equal(t, []User{{Sub: h.sub, Email: email}}, users)
	res, body := h.call(t, "POST", "/oidc/oauth2/token", refresh(tokens.Refresh), nil)
	require.Equal(t, 200, res.StatusCode, body)
	var again struct {
		Access string `json:"access_token"`
		ID     string `json:"id_token"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &again))
	access := h.read(t, again.Access)
	require.Equal(t, h.sub, access["sub"])
	require.Equal(t, "openid email", access["scope"])
	require.Equal(t, "access", access["token_use"])
	require.Equal(t, "id", h.read(t, again.ID)["token_use"])
	h.signIn(t)
}

func TestRefreshTokensEnd(t *testing.T) {
	h := newHouse(t)
	use := func(token string) int {
		res, _ := h.call(t, "POST", "/oidc/oauth2/token", refresh(token), nil)
		return res.StatusCode
	}
	revoked, other := h.signIn(t), h.signIn(t)
	res, body := h.call(t, "POST", "/oidc/oauth2/revoke", url.Values{"token": {revoked.Refresh}, "client_id": {"app"}}, nil)
	require.Equal(t, 200, res.StatusCode, body)
	require.Equal(t, 400, use(revoked.Refresh))
	require.Equal(t, 200, use(other.Refresh))
	require.Equal(t, 400, use("made up"))

	res, _ = h.call(t, "GET", "/oidc/logout?"+url.Values{
		"id_token_hint": {other.ID}, "post_logout_redirect_uri": {h.srv.URL + "/"}, "state": {"s"},
	}.Encode(), nil, nil)
	require.Equal(t, http.StatusFound, res.StatusCode)
	require.Equal(t, h.srv.URL+"/?state=s", res.Header.Get("Location"))
	require.Equal(t, 400, use(other.Refresh))

	res, _ = h.call(t, "GET", "/oidc/logout?client_id=app&logout_uri="+url.QueryEscape("https://app.example/"), nil, nil)
	require.Equal(t, "https://app.example/", res.Header.Get("Location"))
	res, _ = h.call(t, "GET", "/oidc/logout?client_id=app&logout_uri="+url.QueryEscape("https://evil.example/"), nil, nil)
	require.Equal(t, 400, res.StatusCode)
}

// authorize starts a sign-in and returns the answer.
func (h *house) authorize(t *testing.T, change func(q url.Values)) answer {
	t.Helper()
	q := url.Values{
		"client_id": {"app"}, "response_type": {"code"}, "redirect_uri": {h.app.RedirectURL}, "scope": {"openid"}, "state": {"s"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier("verifier")}, "code_challenge_method": {"S256"},
	}
	if change != nil {
		change(q)
	}
	res, _ := h.call(t, "GET", "/oidc/oauth2/authorize?"+q.Encode(), nil, nil)
	return res
}

func TestAuthorizeRefusals(t *testing.T) {
	h := newHouse(t)
	for name, tc := range map[string]struct {
		change func(q url.Values)
		err    string // sent back to the app; empty: shown, not sent anywhere
	}{
		"unknown client":   {func(q url.Values) { q.Set("client_id", "x") }, ""},
		"foreign redirect": {func(q url.Values) { q.Set("redirect_uri", "https://evil.example/") }, ""},
		"other port":       {func(q url.Values) { q.Set("redirect_uri", "http://127.0.0.1:1/callback") }, ""},
		"other path":       {func(q url.Values) { q.Set("redirect_uri", h.srv.URL+"/callback/x") }, ""},
		"no PKCE":          {func(q url.Values) { q.Del("code_challenge") }, "invalid_request"},
		"plain PKCE":       {func(q url.Values) { q.Set("code_challenge_method", "plain") }, "invalid_request"},
		"implicit":         {func(q url.Values) { q.Set("response_type", "id_token token") }, "unauthorized_client"},
		"foreign scope":    {func(q url.Values) { q.Set("scope", "openid phone") }, "invalid_scope"},
		"silent":           {func(q url.Values) { q.Set("prompt", "none") }, "login_required"},
	} {
		t.Run(name, func(t *testing.T) {
			res := h.authorize(t, tc.change)
			if tc.err == "" {
				require.Equal(t, 400, res.StatusCode)
				require.Empty(t, res.Header.Get("Location"))
				return
			}
			require.Equal(t, 302, res.StatusCode)
			require.Contains(t, res.Header.Get("Location"), h.app.RedirectURL)
			require.Contains(t, res.Header.Get("Location"), "error="+tc.err)
		})
	}
	for _, allowed := range []string{"https://app.example/callback", h.srv.URL + "/", h.srv.URL + "/callback"} {
		res := h.authorize(t, func(q url.Values) { q.Set("redirect_uri", allowed) })
		require.Contains(t, res.Header.Get("Location"), "/oidc/login?id=", allowed)
	}
}

func TestCodeIsForItsVerifierAndOnce(t *testing.T) {
	h := newHouse(t)
	code := func() string {
		login := h.authorize(t, nil).Header.Get("Location")
		u, err := url.Parse(login)
		require.NoError(t, err)
		res, _ := h.call(t, "POST", "/oidc/login", url.Values{"id": {u.Query().Get("id")}, "email": {email}, "password": {password}}, nil)
		require.Equal(t, http.StatusSeeOther, res.StatusCode)
		res, _ = h.call(t, "GET", res.Header.Get("Location"), nil, nil)
		back, err := url.Parse(res.Header.Get("Location"))
		require.NoError(t, err)
		return back.Query().Get("code")
	}
	redeem := func(code, verifier string) int {
		res, _ := h.call(t, "POST", "/oidc/oauth2/token", url.Values{
			"grant_type": {"authorization_code"}, "code": {code}, "client_id": {"app"}, "redirect_uri": {h.app.RedirectURL}, "code_verifier": {verifier},
		}, nil)
		return res.StatusCode
	}
	require.Equal(t, 400, redeem(code(), "another"))
	require.Equal(t, 400, redeem(code(), ""))
	good := code()
	require.Equal(t, 200, redeem(good, "verifier"))
	require.Equal(t, 400, redeem(good, "verifier"))
	require.Equal(t, 400, redeem("", "verifier"))
}

func TestOnlyCognitosEndpointsAreThere(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/device_authorization", "/oauth/introspect", "/healthz", "/ready"} {
		res, _ := h.call(t, "GET", "/oidc"+path, nil, nil)
		require.Equal(t, 404, res.StatusCode, path)
	}
	res, body := h.call(t, "GET", "/oidc/.well-known/jwks.json", nil, nil)
	require.Equal(t, 200, res.StatusCode)
	require.Contains(t, body, `"alg":"RS256"`)
	require.NotContains(t, body, `"d"`, "the private part")
}

func TestUsers(t *testing.T) {
	h := newHouse(t)
	_, err := h.AddUser("ada@EXAMPLE.org", password)
	require.ErrorIs(t, err, ErrUserExists)
	_, err = h.AddUser("nobody", password)
	require.ErrorIs(t, err, ErrBadEmail)
	_, err = h.AddUser("Bob <bob@example.org>", password)
	require.ErrorIs(t, err, ErrBadEmail)
	for _, bad := range []string{"short", strings.Repeat("x", 73)} {
		_, err = h.AddUser("bob@example.org", bad)
		require.ErrorIs(t, err, ErrBadPassword)
	}
	bob, err := h.AddUser("bob@example.org", password)
	require.NoError(t, err)
	require.NotEqual(t, h.sub, bob)
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, bob)
}

func TestPasswordPolicy(t *testing.T) {
	all := PasswordPolicy{MinimumLength: 12, RequireLowercase: true, RequireUppercase: true, RequireNumbers: true, RequireSymbols: true}
	require.NoError(t, all.check("Porch-light-9"))
	for password, wrong := range map[string]string{
		"Porch-lite-9": "", "Porch-lit-9": "12 to 72", "porch-light-9": "upper-case", "PORCH-LIGHT-9": "lower-case",
		"Porch-lights": "digit", "Porchlight999": "symbol",
	} {
		if err := all.check(password); wrong == "" {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, ErrBadPassword)
			require.ErrorContains(t, err, wrong)
		}
	}
}

// TestNothingSecretIsLogged looks for what went through a whole sign-in.
func TestNothingSecretIsLogged(t *testing.T) {
	var log bytes.Buffer
	h := newHouse(t)
	require.NoError(t, h.Close())
	h.cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	h.Provider, err = New(h.cfg)
	require.NoError(t, err)
	tokens := h.signIn(t)
	_, err = h.app.SignIn(t.Context(), email, "a wrong password")
	require.Error(t, err)
	h.call(t, "POST", "/oidc/oauth2/token", refresh(tokens.Refresh), nil)
	h.call(t, "POST", "/oidc/oauth2/token", refresh(tokens.Refresh+"x"), nil)
	h.call(t, "POST", "/oidc/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "code": {"some-code"}, "client_id": {"app"}}, nil)
	h.authorize(t, func(q url.Values) { q.Set("redirect_uri", "https://evil.example/") })
	require.Contains(t, log.String(), "sign-in refused")
	for _, secret := range []string{password, "wrong password", tokens.Access, tokens.ID, tokens.Refresh, "some-code"} {
		require.NotContains(t, log.String(), secret)
	}
}

func TestNewRefusesWhatItCannotServe(t *testing.T) {
	good := newHouse(t).cfg
	for name, change := range map[string]func(c *Config, p *ClientProperties){
		"secret":    func(_ *Config, p *ClientProperties) { p.GenerateSecret = true },
		"implicit":  func(_ *Config, p *ClientProperties) { p.AllowedOAuthFlows = []string{"implicit"} },
		"no openid": func(_ *Config, p *ClientProperties) { p.AllowedOAuthScopes = []string{"email"} },
		"units": func(_ *Config, p *ClientProperties) {
			p.AccessTokenValidity, p.TokenValidityUnits.AccessToken = 5, "years"
		},
		"root":       func(c *Config, _ *ClientProperties) { c.Issuer = "http://127.0.0.1:8080" },
		"file taken": func(*Config, *ClientProperties) {},
	} {
		cfg, p := good, properties()
		change(&cfg, &p)
		cfg.Clients = map[string]ClientProperties{"app": p}
		_, err := New(cfg)
		require.Error(t, err, name)
	}
}
