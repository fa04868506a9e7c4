package page

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The bounds of sessions.
const (
	sessionCookie = "porchlight"
	sessionTime   = 12 * time.Hour
	mostSessions  = 64 // the oldest gives way
)

// gate lets in who knows the token: with a session that a sign-in began, or
// with the token itself as a bearer. It is never taken from the address, which
// ends in logs and histories.
type gate struct {
	token    [sha256.Size]byte // hashed, so that comparing tells nothing of its length
	log      *slog.Logger
	attempts *attempts

	mu       sync.Mutex
	sessions map[string]*session
}

// session of one browser.
type session struct {
	ends  time.Time
	ended chan struct{} // closed when it is ended early
}

func newGate(token string, log *slog.Logger) *gate {
	return &gate{token: sha256.Sum256([]byte(token)), log: log, attempts: newAttempts(), sessions: map[string]*session{}}
}

// verdict on who asks.
type verdict int

const (
	unknown verdict = iota
	welcome
	barred // for a while, after too many wrong tokens
)

// try compares a token, unless too many wrong ones have come from there.
func (g *gate) try(token, remote string) verdict {
	if !g.attempts.allowed(remote, time.Now()) {
		return barred
	}
	given := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(given[:], g.token[:]) == 1 {
		return welcome
	}
	g.attempts.failed(remote, time.Now())
	g.log.Warn("local page: a wrong token was given", "from", remote)
	return unknown
}

// begin starts a session and returns its cookie.
func (g *gate) begin() *http.Cookie {
	id := rand.Text()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.sessions) >= mostSessions {
		oldest := ""
		for key, s := range g.sessions {
			if oldest == "" || s.ends.Before(g.sessions[oldest].ends) {
				oldest = key
			}
		}
		g.drop(oldest)
	}
	g.sessions[id] = &session{ends: time.Now().Add(sessionTime), ended: make(chan struct{})}
	// Not Secure: at home the page has no certificate.
	return &http.Cookie{
		Name: sessionCookie, Value: id, Path: "/", MaxAge: int(sessionTime.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
}

func (g *gate) end(r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		g.drop(cookie.Value)
	}
}

func (g *gate) drop(id string) {
	if s := g.sessions[id]; s != nil {
		close(s.ended)
		delete(g.sessions, id)
	}
}

// session returns that of a request, or nil.
func (g *gate) session(r *http.Request) *session {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.sessions[cookie.Value]
	if s != nil && time.Now().After(s.ends) {
		g.drop(cookie.Value)
		return nil
	}
	return s
}

// guard lets only those in who are welcome. The context of what they ask for
// ends with their session.
func (g *gate) guard(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s := g.session(r); s != nil {
			ctx, cancel := context.WithDeadline(r.Context(), s.ends)
			defer cancel()
			stop := make(chan struct{})
			defer close(stop)
			go func() {
				select {
				case <-s.ended:
					cancel()
				case <-stop:
				}
			}()
			next(w, r.WithContext(ctx))
			return
		}
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			switch g.try(token, remote(r)) {
			case welcome:
				next(w, r)
				return
			case barred:
				tooMany(w)
				return
			case unknown:
			}
		}
		if r.Method == http.MethodGet && (r.URL.Path == "/" || strings.Contains(r.Header.Get("Accept"), "text/html")) {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return
		}
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "sign in at /login, or send the token of page.token as Authorization: Bearer", http.StatusUnauthorized)
	}
}

func tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "60")
	http.Error(w, "too many wrong tokens; try again in a minute", http.StatusTooManyRequests)
}
