package oidc

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	zoidc "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/crypto/bcrypt"
)

// Config is what a Provider needs; Pool and PasswordCost may be left out.
type Config struct {
	Logger *slog.Logger
	// Issuer is the URL the provider is reached by, such as
	// http://127.0.0.1:8080/oidc. Its path is where Handler is mounted; the
	// app is at the root of the same origin.
	Issuer string
	// Path is the file with users, signing key and refresh tokens.
	Path string
	// Pool is the template's user pool.
	Pool PoolProperties
	// Clients are the template's app clients, by client id. Without any the
	// provider only keeps users.
	Clients map[string]ClientProperties
	// PasswordCost is bcrypt's; 0: its default.
	PasswordCost int
}

// Provider signs users in. Close it.
type Provider struct {
	cfg      Config
	store    *store
	requests *requests
	limiter  *limiter
	clients  map[string]*client
	prefix   string // path of the issuer
	handler  http.Handler
	decoy    []byte // password hash of nobody
}

// Endpoints below the issuer, as Cognito has them.
const (
	pathAuthorize = "/oauth2/authorize"
	pathToken     = "/oauth2/token"
	pathUserinfo  = "/oauth2/userInfo"
	pathRevoke    = "/oauth2/revoke"
	pathLogout    = "/logout"
	pathKeys      = "/.well-known/jwks.json"
	pathLogin     = "/login"
	pathStyle     = "/login.css"
)

// New opens the file, making a signing key the first time.
func New(cfg Config) (*Provider, error) {
	issuer, err := url.Parse(cfg.Issuer)
	if err != nil || issuer.Host == "" || issuer.Path == "" || strings.HasSuffix(issuer.Path, "/") {
		return nil, fmt.Errorf("oidc: issuer %q must be a URL with a path and no slash at its end", cfg.Issuer)
	}
	if cfg.Logger == nil || cfg.Path == "" {
		return nil, errors.New("oidc: Logger and Path must be set")
	}
	if cfg.PasswordCost == 0 {
		cfg.PasswordCost = bcrypt.DefaultCost
	}
	p := &Provider{cfg: cfg, prefix: issuer.Path, requests: newRequests(), limiter: newLimiter(), clients: map[string]*client{}}
	for id, props := range cfg.Clients {
		if p.clients[id], err = newClient(id, props, issuer); err != nil {
			return nil, fmt.Errorf("oidc: client %s: %w", id, err)
		}
	}
	if p.decoy, err = bcrypt.GenerateFromPassword([]byte(rand.Text()), cfg.PasswordCost); err != nil {
		return nil, fmt.Errorf("oidc: %w", err)
	}
	if p.store, err = openStore(cfg.Path); err != nil {
		return nil, fmt.Errorf("oidc: %w", err)
	}
	if p.handler, err = p.routes(); err != nil {
		return nil, errors.Join(fmt.Errorf("oidc: %w", err), p.store.close())
	}
	return p, nil
}

// Close closes the file.
func (p *Provider) Close() error { return p.store.close() }

// Handler serves everything below the issuer's path.
func (p *Provider) Handler() http.Handler { return p.handler }

func (p *Provider) routes() (http.Handler, error) {
	opConfig := &op.Config{
		CodeMethodS256: true, GrantTypeRefreshToken: true,
		SupportedScopes:          []string{zoidc.ScopeOpenID, zoidc.ScopeEmail, zoidc.ScopeProfile},
		DefaultLogoutRedirectURI: "/",
	}
	if _, err := rand.Read(opConfig.CryptoKey[:]); err != nil { // codes do not outlive the process
		return nil, err
	}
	endpoint := func(path string) *op.Endpoint { return op.NewEndpoint(strings.TrimPrefix(path, "/")) }
	provider, err := op.NewProvider(opConfig, &storage{p}, op.StaticIssuer(p.cfg.Issuer),
		op.WithAllowInsecure(), // it is on loopback
		op.WithLogger(p.cfg.Logger), op.WithCORSOptions(nil),
		op.WithCustomEndpoints(endpoint(pathAuthorize), endpoint(pathToken), endpoint(pathUserinfo),
			endpoint(pathRevoke), endpoint(pathLogout), endpoint(pathKeys)))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	// Only these: the library has more endpoints than Cognito and the app.
	for _, path := range []string{zoidc.DiscoveryEndpoint, pathAuthorize, pathAuthorize + "/callback", pathToken, pathUserinfo, pathRevoke, pathKeys} {
		mux.Handle(path, provider)
	}
	mux.Handle(pathLogout, cognitoLogout(provider))
	page, err := p.loginPage()
	if err != nil {
		return nil, err
	}
	mux.Handle(pathLogin, page)
	mux.HandleFunc("GET "+pathStyle, serveStyle)
	return http.StripPrefix(p.prefix, limitBody(mux)), nil
}

// cognitoLogout lets the parameter that Cognito's logout endpoint knows stand
// for the standard's.
func cognitoLogout(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Has("logout_uri") && !q.Has("post_logout_redirect_uri") {
			q.Set("post_logout_redirect_uri", q.Get("logout_uri"))
			r.URL.RawQuery = q.Encode()
		}
		next.ServeHTTP(w, r)
	})
}

func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		next.ServeHTTP(w, r)
	})
}
