package page

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNothingIsShownToStrangers(t *testing.T) {
	s := serve(t)
	s.view(look(64))
	for _, path := range []string{
		"/", "/camera/home.door", "/camera/home.door/live", "/stats", "/page.js", "/nothing", "/stats?token=" + token, "/assets/page.js",
	} {
		for name, client := range map[string]func(*http.Request){
			"nobody":         func(*http.Request) {},
			"wrong bearer":   func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token+"x") },
			"other scheme":   func(r *http.Request) { r.Header.Set("Authorization", "Basic "+token) },
			"made-up cookie": func(r *http.Request) { r.AddCookie(&http.Cookie{Name: sessionCookie, Value: token}) },
		} {
			s.page.gate.attempts = newAttempts()
			r := s.get(t, path)
			client(r)
			out, body := answer(t, s.browser(t), r)
			if path == "/" {
				require.Equal(t, http.StatusSeeOther, out.StatusCode, "%s %s", path, name)
				require.Equal(t, "/login", out.Header.Get("Location"))
			} else {
				require.Equal(t, http.StatusUnauthorized, out.StatusCode, "%s %s", path, name)
			}
			require.NotContains(t, body, "home.door", "%s %s", path, name)
		}
	}
	out, _ := answer(t, s.browser(t), s.post(t, "/logout", nil))
	require.Equal(t, http.StatusUnauthorized, out.StatusCode)
	r := s.get(t, "/camera/home.door")
	r.Header.Set("Accept", "text/html,*/*")
	out, _ = answer(t, s.browser(t), r)
	require.Equal(t, "/login", out.Header.Get("Location"), "people are led to the form")
}

func TestEveryAnswerIsStrict(t *testing.T) {
	s := serve(t)
	b := s.signedIn(t)
	for _, path := range []string{"/", "/login", "/camera/home.door", "/camera/none", "/stats", "/page.js", "/nothing"} {
		out, body := answer(t, b, s.get(t, path))
		h := out.Header
		require.Equal(t, "no-store", h.Get("Cache-Control"), path)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		require.Contains(t, h.Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", path)
		require.NotContains(t, h.Get("Content-Security-Policy"), "unsafe", path)
		require.NotContains(t, body, token, path)
	}
}

func TestSignInAndOut(t *testing.T) {
	s := serve(t)
	b := s.browser(t)
	out, body := answer(t, b, s.get(t, "/login"))
	require.Equal(t, http.StatusOK, out.StatusCode)
	require.Contains(t, body, `<form method="post" action="/login">`)

	out, body = answer(t, b, s.post(t, "/login", url.Values{"token": {"wrong"}}))
	require.Equal(t, http.StatusUnauthorized, out.StatusCode)
	require.Contains(t, body, "not the token")
	require.Empty(t, out.cookies)
	out, _ = answer(t, b, s.post(t, "/login?token="+token, nil))
	require.Equal(t, http.StatusUnauthorized, out.StatusCode, "the address holds no token")
	out, _ = answer(t, b, s.post(t, "/login", url.Values{"token": {strings.Repeat("x", mostForm)}}))
	require.Equal(t, http.StatusBadRequest, out.StatusCode)

	r := s.post(t, "/login", url.Values{"token": {token}})
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	out, _ = answer(t, b, r)
	require.Equal(t, http.StatusForbidden, out.StatusCode, "another site cannot sign anybody in")

	out, _ = answer(t, b, s.post(t, "/login", url.Values{"token": {token}}))
	require.Equal(t, http.StatusSeeOther, out.StatusCode)
	cookie := out.cookies[0]
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, cookie.SameSite)
	out, body = answer(t, b, s.get(t, "/"))
	require.Equal(t, http.StatusOK, out.StatusCode)
	require.Contains(t, body, `href="/camera/home.door"`)

	out, _ = answer(t, b, s.post(t, "/logout", nil))
	require.Equal(t, http.StatusSeeOther, out.StatusCode)
	stolen := s.get(t, "/stats")
	stolen.AddCookie(cookie)
	out, _ = answer(t, s.browser(t), stolen)
	require.Equal(t, http.StatusUnauthorized, out.StatusCode, "a session that ended stays ended")
}

func TestWrongTokensAreLimited(t *testing.T) {
	s := serve(t)
	bearer := func(given string) int {
		r := s.get(t, "/stats")
		r.Header.Set("Authorization", "Bearer "+given)
		out, _ := answer(t, s.browser(t), r)
		return out.StatusCode
	}
	signedIn := s.signedIn(t)
	require.Equal(t, http.StatusOK, bearer(token))
	for range mostWrong {
		require.Equal(t, http.StatusUnauthorized, bearer("guess"))
	}
	require.Equal(t, http.StatusTooManyRequests, bearer("guess"))
	require.Equal(t, http.StatusTooManyRequests, bearer(token), "or guessing could go on")
	out, _ := answer(t, s.browser(t), s.post(t, "/login", url.Values{"token": {token}}))
	require.Equal(t, http.StatusTooManyRequests, out.StatusCode)
	out, _ = answer(t, signedIn, s.get(t, "/stats"))
	require.Equal(t, http.StatusOK, out.StatusCode, "who is in stays in")
}

func TestAttemptsAreForgottenAndBounded(t *testing.T) {
	a, now := newAttempts(), time.Now()
	for range mostWrong {
		require.True(t, a.allowed("a", now))
		a.failed("a", now)
	}
	require.False(t, a.allowed("a", now))
	require.True(t, a.allowed("b", now))
	require.True(t, a.allowed("a", now.Add(wrongWhile+time.Second)))
	for i := range mostRemotes {
		a.failed(fmt.Sprint(i), now)
	}
	require.False(t, a.allowed("new", now), "more places than are told apart wait")
	require.True(t, a.allowed("new", now.Add(wrongWhile+time.Second)))
	require.Len(t, a.from, 0)

	for address, want := range map[string]string{
		"192.0.2.7:80": "192.0.2.7", "[::ffff:192.0.2.7]:80": "192.0.2.7", "[2001:db8::1:2]:80": "2001:db8::/64", "[fe80::1%eth0]:80": "fe80::/64", "@": "@",
	} {
		require.Equal(t, want, remote(&http.Request{RemoteAddr: address}))
	}
}

func TestSessionsAreBounded(t *testing.T) {
	g := newGate(token, slog.New(slog.DiscardHandler))
	ask := func(c *http.Cookie) *session {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(c)
		return g.session(r)
	}
	first := g.begin()
	require.NotNil(t, ask(first))
	for range mostSessions {
		g.begin()
	}
	require.Nil(t, ask(first))
	require.Len(t, g.sessions, mostSessions)
	late := g.begin()
	g.sessions[late.Value].ends = time.Now().Add(-time.Second)
	require.Nil(t, ask(late), "it has run out")
}
