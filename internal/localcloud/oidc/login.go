package oidc

import (
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

// loginView is what the page shows.
type loginView struct {
	Style, Action string // paths
	ID, Email     string
	Error         string
	Expired       bool // nothing to sign in to: only the error and a way back
}

// loginPage serves the sign-in page. Browsers may post to it from itself only.
func (p *Provider) loginPage() (http.Handler, error) {
	page, err := template.ParseFS(pageFiles, "page/login.html")
	if err != nil {
		return nil, err
	}
	show := func(w http.ResponseWriter, status int, redirect string, v loginView) {
		v.Style, v.Action = p.prefix+pathStyle, p.prefix+pathLogin
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"+originOf(redirect))
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "same-origin") // with no-referrer browsers would hide the form's origin
		h.Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(status)
		_ = page.Execute(w, v) // the browser has gone if this fails
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, err := p.requests.get(r.FormValue("id"))
		if err != nil || req.Done() {
			show(w, http.StatusBadRequest, "", loginView{Expired: true, Error: "This sign-in has expired."})
			return
		}
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			show(w, http.StatusOK, req.redirect, loginView{ID: req.id})
		case http.MethodPost:
			email := strings.TrimSpace(r.PostFormValue("email"))
			next, err := p.signIn(req.id, email, r.PostFormValue("password"))
			var refused *refusal
			switch {
			case errors.As(err, &refused):
				if refused.wait > 0 {
					w.Header().Set("Retry-After", strconv.Itoa(seconds(refused.wait)))
				}
				show(w, refused.status, req.redirect, loginView{ID: req.id, Email: email, Error: refused.message})
			case err != nil:
				show(w, http.StatusBadRequest, "", loginView{Expired: true, Error: "This sign-in has expired."})
			default:
				http.Redirect(w, r, p.prefix+pathAuthorize+"/callback?id="+url.QueryEscape(next), http.StatusSeeOther)
			}
		default:
			w.Header().Set("Allow", "GET, HEAD, POST")
			http.Error(w, "only GET and POST", http.StatusMethodNotAllowed)
		}
	})
	return http.NewCrossOriginProtection().Handler(handler), nil
}

// refusal is an attempt that failed, in the user's words.
type refusal struct {
	status  int
	message string
	wait    time.Duration
}

func (r *refusal) Error() string { return r.message }

// signIn returns the id to go on with, a *refusal, or errNoRequest.
func (p *Provider) signIn(id, email, password string) (next string, err error) {
	if wait := p.limiter.take(email); wait > 0 {
		return "", &refusal{
			http.StatusTooManyRequests, "Too many attempts. Try again in " + strconv.Itoa(seconds(wait)) + " seconds.", wait,
		}
	}
	sub, ok := p.verify(email, password)
	if !ok {
		p.cfg.Logger.Info("sign-in refused", "reason", "wrong e-mail or password")
		return "", &refusal{http.StatusUnprocessableEntity, "Wrong e-mail or password", 0}
	}
	p.limiter.succeeded(email)
	return p.requests.signIn(id, sub, time.Now())
}

// seconds rounds up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// originOf returns " scheme://host" of the app, which browsers must be allowed
// to be sent on to after the form.
func originOf(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil || u.Host == "" {
		return ""
	}
	return " " + u.Scheme + "://" + u.Host
}

func serveStyle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, pageFiles, "page/login.css")
}
