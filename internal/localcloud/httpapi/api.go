package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

const (
	maxBody            = 10 << 20
	defaultIntegration = 30 * time.Second
	defaultStage       = "$default"
)

// ErrTemplate means that the template asks for what is not here.
var ErrTemplate = errors.New("HTTP API cannot be served")

// Invoke runs a function and returns its answer. functionError is empty unless
// the function failed; err means that it could not be run.
type Invoke func(ctx context.Context, functionARN string, payload []byte) (response []byte, functionError string, err error)

// Config is what an API needs; all of it but the maps and Stage is required.
// Routes of another ApiId are left to that API.
type Config struct {
	Logger          *slog.Logger
	ID              string // what Ref gives for the API
	Region, Account string

	API          APIProperties
	Stage        StageProperties
	Routes       []RouteProperties
	Integrations map[string]IntegrationProperties // by id
	Authorizers  map[string]AuthorizerProperties  // by id

	Invoke Invoke
	// Permitted reports whether API Gateway may invoke the function on behalf
	// of a source, arn:aws:execute-api:…:<id>/<stage>/<method>/<path>.
	Permitted func(functionARN, sourceARN string) bool
	// IssuerFor returns who really issues the tokens that an authorizer
	// expects from templateIssuer, and with which keys.
	IssuerFor func(templateIssuer string) (issuer string, keys KeySource)
}

// API serves one HTTP API.
type API struct {
	cfg      Config
	routes   []*route
	throttle *bucket
}

// New checks the template's properties and returns the API.
func New(cfg Config) (*API, error) {
	if cfg.Logger == nil || cfg.Invoke == nil || cfg.Permitted == nil || cfg.IssuerFor == nil || cfg.ID == "" {
		return nil, errors.New("httpapi: Logger, ID, Invoke, Permitted and IssuerFor must be set")
	}
	if p := cfg.API.ProtocolType; p != "HTTP" {
		return nil, fmt.Errorf("%w: ProtocolType is %q, only HTTP is known", ErrTemplate, p)
	}
	if cfg.Stage.StageName == "" {
		cfg.Stage.StageName = defaultStage
	}
	if cfg.Stage.StageName != defaultStage {
		return nil, fmt.Errorf("%w: stage %q, only %s is known", ErrTemplate, cfg.Stage.StageName, defaultStage)
	}
	a := &API{cfg: cfg, throttle: newBucket(cfg.Stage.DefaultRouteSettings)}
	authorizers := map[string]*authorizer{}
	for id, p := range cfg.Authorizers {
		auth, err := newAuthorizer(p, cfg.IssuerFor)
		if err != nil {
			return nil, fmt.Errorf("%w: authorizer %s: %w", ErrTemplate, id, err)
		}
		authorizers[id] = auth
	}
	for _, p := range cfg.Routes {
		if p.APIID != "" && p.APIID != cfg.ID {
			continue
		}
		r, err := a.newRoute(p, authorizers)
		if err != nil {
			return nil, fmt.Errorf("%w: route %q: %w", ErrTemplate, p.RouteKey, err)
		}
		a.routes = append(a.routes, r)
	}
	return a, nil
}

func (a *API) newRoute(p RouteProperties, authorizers map[string]*authorizer) (*route, error) {
	r, err := parseRoute(p.RouteKey)
	if err != nil {
		return nil, err
	}
	id := strings.TrimPrefix(p.Target, "integrations/")
	in, ok := a.cfg.Integrations[id]
	switch {
	case !ok:
		return nil, fmt.Errorf("its target is %q, which is no integration", p.Target)
	case in.IntegrationType != "AWS_PROXY":
		return nil, fmt.Errorf("its integration is of type %q, only AWS_PROXY is known", in.IntegrationType)
	case in.PayloadFormatVersion != "2.0":
		return nil, fmt.Errorf("its integration has payload format %q, only 2.0 is known", in.PayloadFormatVersion)
	}
	r.function = functionOf(in.IntegrationURI)
	r.timeout = min(time.Duration(in.TimeoutInMillis)*time.Millisecond, defaultIntegration)
	if r.timeout <= 0 {
		r.timeout = defaultIntegration
	}
	switch p.AuthorizationType {
	case "", "NONE":
	case "JWT":
		if r.auth = authorizers[p.AuthorizerID]; r.auth == nil {
			return nil, fmt.Errorf("its authorizer %q is not defined", p.AuthorizerID)
		}
		r.scopes = p.AuthorizationScopes
	default:
		return nil, fmt.Errorf("its authorization is %q, only NONE and JWT are known", p.AuthorizationType)
	}
	if s, ok := a.cfg.Stage.RouteSettings[p.RouteKey]; ok {
		r.throttle = newBucket(&s)
	}
	r.permitted = a.cfg.Permitted(r.function, a.sourceARN(r))
	if !r.permitted {
		a.cfg.Logger.Warn("no AWS::Lambda::Permission lets the HTTP API invoke the function, the route will answer 500",
			"route", r.key, "function", r.function)
	}
	return r, nil
}

func (a *API) sourceARN(r *route) string {
	suffix := "/" + defaultStage
	if r.key != defaultRoute {
		suffix = "/" + r.method + r.path
		if r.method == anyMethod {
			suffix = "/*" + r.path
		}
	}
	return "arn:aws:execute-api:" + a.cfg.Region + ":" + a.cfg.Account + ":" + a.cfg.ID + "/" + a.cfg.Stage.StageName + suffix
}

// functionOf returns the ARN in …/functions/<arn>/invocations, or uri itself.
func functionOf(uri string) string {
	if _, after, found := strings.Cut(uri, "/functions/"); found {
		return strings.TrimSuffix(after, "/invocations")
	}
	return uri
}

// ServeHTTP answers as API Gateway does.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := newRequestID()
	w.Header().Set("Apigw-Requestid", id)
	if a.cors(w, r) {
		return
	}
	rt, params := match(a.routes, r.Method, r.URL.EscapedPath())
	if rt == nil {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	if !a.throttle.take() || !rt.throttle.take() {
		fail(w, http.StatusTooManyRequests, "Too Many Requests")
		return
	}
	var who *identity
	if rt.auth != nil {
		var err error
		if who, err = rt.auth.check(r, rt.scopes); err != nil {
			a.refuse(w, rt, err)
			return
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		fail(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	case err != nil:
		fail(w, http.StatusBadRequest, "Bad Request")
		return
	}
	a.integrate(w, r, rt, a.event(r, rt, params, who, id, body))
}
