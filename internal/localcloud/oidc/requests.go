package oidc

import (
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"time"

	zoidc "github.com/zitadel/oidc/v3/pkg/oidc"
)

const (
	requestLifetime = 10 * time.Minute // from the app's redirect to its use of the code
	maxRequests     = 1000
)

var errNoRequest = errors.New("this sign-in is unknown or has expired, start again from the app")

// request is one sign-in under way. It implements op.AuthRequest and
// op.RefreshTokenRequest, which ask for the same.
type request struct {
	id, code, clientID, sub string
	redirect, state, nonce  string
	mode                    zoidc.ResponseMode
	challenge               *zoidc.CodeChallenge
	scopes                  []string
	authTime                time.Time // zero until signed in
	started                 time.Time
}

func (r *request) GetID() string                          { return r.id }
func (r *request) GetACR() string                         { return "" }
func (r *request) GetAMR() []string                       { return []string{"pwd"} }
func (r *request) GetAudience() []string                  { return []string{r.clientID} }
func (r *request) GetAuthTime() time.Time                 { return r.authTime }
func (r *request) GetClientID() string                    { return r.clientID }
func (r *request) GetCodeChallenge() *zoidc.CodeChallenge { return r.challenge }
func (r *request) GetNonce() string                       { return r.nonce }
func (r *request) GetRedirectURI() string                 { return r.redirect }
func (r *request) GetResponseType() zoidc.ResponseType    { return zoidc.ResponseTypeCode }
func (r *request) GetResponseMode() zoidc.ResponseMode    { return r.mode }
func (r *request) GetScopes() []string                    { return r.scopes }
func (r *request) GetState() string                       { return r.state }
func (r *request) GetSubject() string                     { return r.sub }
func (r *request) Done() bool                             { return !r.authTime.IsZero() }

// requests are the sign-ins under way. They live in memory: after a restart
// people sign in again from the app.
type requests struct {
	mu   sync.Mutex
	byID map[string]request
}

func newRequests() *requests { return &requests{byID: map[string]request{}} }

// add gives r an id and makes room for it.
func (rs *requests) add(r request) *request {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r.id, r.started = rand.Text(), time.Now()
	oldest := r
	for id, other := range rs.byID {
		if time.Since(other.started) > requestLifetime {
			delete(rs.byID, id)
		} else if other.started.Before(oldest.started) {
			oldest = other
		}
	}
	if len(rs.byID) >= maxRequests {
		delete(rs.byID, oldest.id)
	}
	rs.byID[r.id] = r
	return &r
}

func (rs *requests) get(id string) (*request, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.fresh(id)
}

func (rs *requests) fresh(id string) (*request, error) {
	r, ok := rs.byID[id]
	if !ok || time.Since(r.started) > requestLifetime {
		return nil, errNoRequest
	}
	return &r, nil
}

// signIn says who has signed in and returns the request's new id. The old one
// is void: whoever started the sign-in in another browser cannot finish it.
func (rs *requests) signIn(id, sub string, at time.Time) (string, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r, err := rs.fresh(id)
	if err != nil {
		return "", err
	}
	if r.Done() {
		return "", errNoRequest
	}
	delete(rs.byID, id)
	r.id, r.sub, r.authTime = rand.Text(), sub, at
	rs.byID[r.id] = *r
	return r.id, nil
}

func (rs *requests) setCode(id, code string) error {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r, err := rs.fresh(id)
	if err != nil {
		return err
	}
	r.code = code
	rs.byID[id] = *r
	return nil
}

// redeem returns the request of a code, once.
func (rs *requests) redeem(code string) (*request, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for id, r := range rs.byID {
		if code != "" && r.code == code {
			fresh, err := rs.fresh(id)
			delete(rs.byID, id)
			return fresh, err
		}
	}
	return nil, errNoRequest
}

func (rs *requests) remove(id string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	delete(rs.byID, id)
}

// refreshRequest is a stored sign-in that is used again.
type refreshRequest struct{ request }

// SetCurrentScopes narrows the new tokens' scopes.
func (r *refreshRequest) SetCurrentScopes(scopes []string) {
	r.scopes = slices.Clone(scopes)
}
