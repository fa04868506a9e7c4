package localcloud

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"path/filepath"
	"strings"

	"porchlight/internal/localcloud/httpapi"
	"porchlight/internal/localcloud/oidc"
	"porchlight/internal/localcloud/template"
)

// signInPath is where the sign-in stands on the app's origin.
const signInPath = "/oidc"

func (c *Cloud) startSignIn(context.Context) error {
	clients := map[string]oidc.ClientProperties{}
	err := decodeAll(c.stack, "AWS::Cognito::UserPoolClient", func(r *template.Resource, p oidc.ClientProperties) error {
		clients[r.PhysicalID], c.clientID = p, r.PhysicalID
		return nil
	})
	if err != nil {
		return err
	}
	var pool oidc.PoolProperties
	if err := decodeAll(c.stack, "AWS::Cognito::UserPool", func(_ *template.Resource, p oidc.PoolProperties) error {
		pool = p
		return nil
	}); err != nil {
		return err
	}
	if len(clients) != 1 {
		return fmt.Errorf("the template has %d user pool clients, and the app needs exactly one", len(clients))
	}
	c.signIn, err = oidc.New(oidc.Config{
		Logger: c.cfg.Log, Issuer: c.Issuer(), Path: filepath.Join(c.cfg.Dir, "cloud", "sign-in.db"), Clients: clients, Pool: pool,
	})
	if err != nil {
		return err
	}
	c.closing(c.signIn.Close)
	return nil
}

func (c *Cloud) startAPI(context.Context) error {
	cfg := httpapi.Config{
		Logger: c.cfg.Log, Region: c.cfg.Region, Account: AccountID,
		Integrations: map[string]httpapi.IntegrationProperties{}, Authorizers: map[string]httpapi.AuthorizerProperties{},
		Invoke: func(ctx context.Context, functionARN string, payload []byte) ([]byte, string, error) {
			result, err := c.lambdas.Invoke(ctx, functionARN, payload)
			return result.Payload, result.FunctionError, err
		},
		Permitted: func(functionARN, sourceARN string) bool {
			return c.roles.invoke.Allow(functionARN, "apigateway.amazonaws.com", sourceARN)
		},
		// The template names Cognito; its stand-in here has one pool only.
		IssuerFor: func(string) (string, httpapi.KeySource) { return c.Issuer(), c.signIn.Keys() },
	}
	apis := c.stack.OfType("AWS::ApiGatewayV2::Api")
	if len(apis) != 1 {
		return fmt.Errorf("the template has %d HTTP APIs, and the app needs exactly one", len(apis))
	}
	cfg.ID = apis[0].PhysicalID
	err := errors.Join(
		decodeAll(c.stack, "AWS::ApiGatewayV2::Api", func(_ *template.Resource, p httpapi.APIProperties) error {
			cfg.API = p
			return nil
		}),
		decodeAll(c.stack, "AWS::ApiGatewayV2::Stage", func(_ *template.Resource, p httpapi.StageProperties) error {
			cfg.Stage = p
			return nil
		}),
		decodeAll(c.stack, "AWS::ApiGatewayV2::Route", func(_ *template.Resource, p httpapi.RouteProperties) error {
			cfg.Routes = append(cfg.Routes, p)
			return nil
		}),
		decodeAll(c.stack, "AWS::ApiGatewayV2::Integration", func(r *template.Resource, p httpapi.IntegrationProperties) error {
			cfg.Integrations[r.PhysicalID] = p
			return nil
		}),
		decodeAll(c.stack, "AWS::ApiGatewayV2::Authorizer", func(r *template.Resource, p httpapi.AuthorizerProperties) error {
			cfg.Authorizers[r.PhysicalID] = p
			return nil
		}),
	)
	if err != nil {
		return err
	}
	c.api, err = httpapi.New(cfg)
	return err
}

// appHandler serves one origin: the app, its configuration, the HTTP API and
// the sign-in.
func (c *Cloud) appHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/", c.api)
	mux.Handle(signInPath+"/", c.signIn.Handler())
	mux.HandleFunc("/config.json", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]string{"issuer": c.Issuer(), "client_id": c.clientID, "scope": "openid email"})
	})
	mux.Handle("/", c.secure(serveApp(c.cfg.App)))
	return c.oneOrigin(mux)
}

// oneOrigin sends a browser that came by the name localhost to the address
// that the sign-in knows, for cookies and tokens hold for one origin.
func (c *Cloud) oneOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, _ := strings.Cut(r.Host, ":"); host == "localhost" {
			http.Redirect(w, r, c.AppURL()+r.URL.RequestURI(), http.StatusTemporaryRedirect)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secure sets the headers that CloudFront sets on AWS. Pictures and video come
// from the services themselves; a player hands what it has fetched to the
// browser as a blob, and takes it apart in a worker that is one.
func (c *Cloud) secure(next http.Handler) http.Handler {
	policy := strings.Join([]string{
		"default-src 'self'", "img-src 'self' blob: data: " + c.AWSURL(), "connect-src 'self' " + c.AWSURL() + " ws" + strings.TrimPrefix(c.AWSURL(), "http"),
		"media-src 'self' blob: " + c.AWSURL(), "worker-src 'self' blob:", "object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
	}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// serveApp serves the built app; a page the app routes itself is index.html.
func serveApp(app fs.FS) http.Handler {
	files := http.FileServerFS(app)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if name != "" && name != "." {
			if _, err := fs.Stat(app, name); err != nil && path.Ext(name) == "" {
				r.URL.Path = "/"
			}
		}
		if strings.HasPrefix(name, "assets/") {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			w.Header().Set("Cache-Control", "no-cache")
		}
		files.ServeHTTP(w, r)
	})
}
