package oidc

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// started begins a sign-in and returns its id.
func (h *house) started(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(h.authorize(t, nil).Header.Get("Location"))
	require.NoError(t, err)
	require.NotEmpty(t, u.Query().Get("id"))
	return u.Query().Get("id")
}

func form(id, email, password string) url.Values {
	return url.Values{"id": {id}, "email": {email}, "password": {password}}
}

func TestPage(t *testing.T) {
	h := newHouse(t)
	id := h.started(t)
	res, body := h.call(t, "GET", "/oidc/login?id="+id, nil, nil)
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+h.srv.URL,
		res.Header.Get("Content-Security-Policy"))
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	require.Contains(t, body, `<label for="email">`)
	require.NotContains(t, body, "<script")
	require.NotContains(t, body, "style=")
	res, css := h.call(t, "GET", "/oidc/login.css", nil, nil)
	require.Equal(t, 200, res.StatusCode)
	require.Contains(t, res.Header.Get("Content-Type"), "text/css")
	require.Contains(t, css, "prefers-color-scheme: dark")

	res, body = h.call(t, "POST", "/oidc/login", form(id, `"><script>`, "wrong password"), nil)
	require.Equal(t, 422, res.StatusCode)
	require.Contains(t, body, "Wrong e-mail or password")
	require.NotContains(t, body, "<script")
	res, body = h.call(t, "POST", "/oidc/login", form(id, email, "wrong password"), nil)
	require.Equal(t, 422, res.StatusCode)
	require.Contains(t, body, "Wrong e-mail or password")
	require.Contains(t, body, `value="Ada@example.org"`)

	res, _ = h.call(t, "POST", "/oidc/login", form(id, strings.ToUpper(email), password), nil)
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	require.NotContains(t, res.Header.Get("Location"), id, "whoever knew the id cannot finish the sign-in")
	res, body = h.call(t, "POST", "/oidc/login", form(id, email, password), nil)
	require.Equal(t, 400, res.StatusCode)
	require.Contains(t, body, "This sign-in has expired.")
	res, _ = h.call(t, "DELETE", "/oidc/login?id="+h.started(t), nil, nil)
	require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
}

func TestSignInCannotBeSkipped(t *testing.T) {
	h := newHouse(t)
	res, _ := h.call(t, "GET", "/oidc/oauth2/authorize/callback?id="+h.started(t), nil, nil)
	require.Contains(t, res.Header.Get("Location"), "error=interaction_required")
}

func TestOtherSitesCannotPost(t *testing.T) {
	h := newHouse(t)
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}},
	} {
		res, _ := h.call(t, "POST", "/oidc/login", form(h.started(t), email, password), header)
		require.Equal(t, http.StatusForbidden, res.StatusCode)
	}
	res, _ := h.call(t, "POST", "/oidc/login", form(h.started(t), email, password), http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {h.srv.URL}})
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
}

func TestGuessingIsSlowedDown(t *testing.T) {
	h := newHouse(t)
	now := time.Now()
	h.limiter.now = func() time.Time { return now }
	id := h.started(t)
	try := func(email, password string) (int, string) {
		res, body := h.call(t, "POST", "/oidc/login", form(id, email, password), nil)
		return res.StatusCode, res.Header.Get("Retry-After") + body
	}
	for _, who := range []string{email, "nobody@example.org"} { // both look alike
		for range freeFailures {
			status, _ := try(who, "wrong password")
			require.Equal(t, 422, status)
		}
		status, body := try(who, password)
		require.Equal(t, 429, status)
		require.True(t, strings.HasPrefix(body, "30"), body)
		require.Contains(t, body, "Too many attempts. Try again in 30 seconds.")
	}
	now = now.Add(firstWait)
	status, _ := try(email, "wrong password")
	require.Equal(t, 422, status)
	status, body := try(strings.ToLower(email), password)
	require.Equal(t, 429, status)
	require.True(t, strings.HasPrefix(body, "60"), body)
	now = now.Add(2 * firstWait)
	status, _ = try(email, password)
	require.Equal(t, http.StatusSeeOther, status)
}

func TestLimiterIsBounded(t *testing.T) {
	l := newLimiter()
	now := time.Now()
	l.now = func() time.Time { return now }
	for i := range maxTracked {
		require.Zero(t, l.take(strconv.Itoa(i)))
	}
	require.NotZero(t, l.take("one more"))
	now = now.Add(longestWait + time.Second)
	require.Zero(t, l.take("one more"))
	require.Len(t, l.byKey, 1)
}

func TestRequestsAreBoundedAndExpire(t *testing.T) {
	rs := newRequests()
	first := rs.add(request{})
	for range maxRequests {
		rs.add(request{})
	}
	require.Len(t, rs.byID, maxRequests)
	_, err := rs.get(first.id)
	require.ErrorIs(t, err, errNoRequest, "the oldest makes room")
	r := rs.add(request{})
	old := *r
	old.started = time.Now().Add(-requestLifetime - time.Second)
	rs.byID[r.id] = old
	_, err = rs.get(r.id)
	require.ErrorIs(t, err, errNoRequest)
}
