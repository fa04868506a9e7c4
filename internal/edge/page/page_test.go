package page

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/motion"
	"porchlight/internal/pipeline"
	"porchlight/internal/track"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token    = "correct-horse-battery"
	patience = 20 * time.Second // bounds waits that end early when all is well
)

// log that tests look at.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// served is a page on a server of its own, with one camera.
type served struct {
	*httptest.Server
	page *Page
	view func(*pipeline.View)
	log  *log
}

func serve(t *testing.T) *served {
	t.Helper()
	s := &served{log: &log{}}
	s.page = New(config.Page{Listen: "127.0.0.1:1", Token: token}, slog.New(slog.NewTextHandler(s.log, nil)))
	s.view = s.page.Camera("home.door", config.Camera{})
	handler, err := s.page.handler()
	require.NoError(t, err)
	s.Server = httptest.NewServer(handler)
	t.Cleanup(s.Close)
	t.Cleanup(func() { require.NotContains(t, s.log.String(), token) })
	return s
}

// browser keeps cookies and follows no redirects.
func (s *served) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (s *served) signedIn(t *testing.T) *http.Client {
	t.Helper()
	b := s.browser(t)
	r, _ := answer(t, b, s.post(t, "/login", url.Values{"token": {token}}))
	require.Equal(t, http.StatusSeeOther, r.StatusCode)
	return b
}

func (s *served) get(t *testing.T, path string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	require.NoError(t, err)
	return r
}

func (s *served) post(t *testing.T, path string, form url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func answer(t *testing.T, client *http.Client, r *http.Request) (*http.Response, string) {
	t.Helper()
	out, err := client.Do(r)
	require.NoError(t, err)
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	require.NoError(t, err)
	return out, string(body)
}

// look is a view whose picture is as wide as n.
func look(n int) *pipeline.View {
	return &pipeline.View{
		Frame:   &event.Frame{Width: n, Height: 48, Pix: make([]byte, n*48*3)},
		Motion:  motion.Result{Boxes: []event.Box{{X1: 1, Y1: 1}}},
		Regions: []event.Box{{X1: 1, Y1: 1}, {X1: 1, Y1: 1}},
		Tracks:  []track.Track{{ID: 1, Label: "person"}},
		Open:    &event.Event{EventID: "01J"},
		Took:    pipeline.Timings{Motion: 2 * time.Millisecond},
	}
}

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
	require.Empty(t, out.Cookies())
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
	cookie := out.Cookies()[0]
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

func TestStatistics(t *testing.T) {
	s := serve(t)
	for range 3 {
		s.view(look(64))
	}
	_, body := answer(t, s.signedIn(t), s.get(t, "/stats"))
	var got struct {
		Cameras []cameraStats
		Viewers int
	}
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	require.Len(t, got.Cameras, 1)
	c := got.Cameras[0]
	require.NotNil(t, c.Last)
	c.Last, c.FPS = nil, 0
	require.Equal(t, cameraStats{
		Camera: "home.door", Width: 64, Height: 48, Frames: 3, Looked: 3, Regions: 6, Tracks: 1, Moving: true, Event: "01J",
		Took: map[string]float64{"motion": 2},
	}, c)
}

// watch opens a stream and returns its parts.
func (s *served) watch(t *testing.T, client *http.Client) *multipart.Reader {
	t.Helper()
	out, err := client.Do(s.get(t, "/camera/home.door/live"))
	require.NoError(t, err)
	t.Cleanup(func() { out.Body.Close() })
	require.Equal(t, http.StatusOK, out.StatusCode)
	kind, params, err := mime.ParseMediaType(out.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/x-mixed-replace", kind)
	return multipart.NewReader(out.Body, params["boundary"])
}

// next returns the width of the next picture.
func next(t *testing.T, parts *multipart.Reader) int {
	t.Helper()
	part, err := parts.NextPart()
	require.NoError(t, err)
	require.Equal(t, "image/jpeg", part.Header.Get("Content-Type"))
	data, err := io.ReadAll(part)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(len(data)), part.Header.Get("Content-Length"))
	picture, err := jpeg.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	return picture.Bounds().Dx()
}

func TestPicturesAreStreamed(t *testing.T) {
	s := serve(t)
	s.view(look(10))
	require.Nil(t, s.page.cameras[0].newest, "nothing is kept while nobody watches")
	a, b := s.watch(t, s.signedIn(t)), s.watch(t, s.signedIn(t))
	for _, width := range []int{64, 65, 66} {
		s.view(look(width))
		require.Equal(t, width, next(t, a))
		require.Equal(t, width, next(t, b))
	}
	out, _ := answer(t, s.signedIn(t), s.get(t, "/camera/none/live"))
	require.Equal(t, http.StatusNotFound, out.StatusCode)
	head := s.get(t, "/camera/home.door/live")
	head.Method = http.MethodHead
	out, _ = answer(t, s.signedIn(t), head)
	require.Equal(t, http.StatusOK, out.StatusCode)
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	s := serve(t)
	b := s.signedIn(t)
	parts := s.watch(t, b)
	s.view(look(64))
	require.Equal(t, 64, next(t, parts))
	answer(t, b, s.post(t, "/logout", nil))
	_, err := parts.NextPart()
	require.Error(t, err)
	require.Eventually(t, func() bool { return s.page.viewers.Load() == 0 }, patience, time.Millisecond)
	require.Empty(t, s.page.cameras[0].streams)
	require.Nil(t, s.page.cameras[0].newest)
}

func TestViewersAreLimited(t *testing.T) {
	s := serve(t)
	b := s.signedIn(t)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	for range mostViewers {
		out, err := b.Do(s.get(t, "/camera/home.door/live").WithContext(ctx))
		require.NoError(t, err)
		defer out.Body.Close()
		require.Equal(t, http.StatusOK, out.StatusCode)
	}
	out, body := answer(t, b, s.get(t, "/camera/home.door/live"))
	require.Equal(t, http.StatusServiceUnavailable, out.StatusCode)
	require.Contains(t, body, "close another window")
	leave()
	require.Eventually(t, func() bool { return s.page.viewers.Load() == 0 }, patience, time.Millisecond)
	s.watch(t, b)
}

// A viewer who does not read blocks nobody, and then gets the newest.
func TestASlowViewerHoldsNobodyUp(t *testing.T) {
	s := serve(t)
	slow, quick := s.watch(t, s.signedIn(t)), s.watch(t, s.signedIn(t))
	const many = 300
	noise := make([]byte, 640*480*3) // compresses badly, so that buffers fill
	for i := range noise {
		noise[i] = byte(i * i >> 3 * 7919 >> 5)
	}
	for i := range many {
		v := look(64)
		v.Frame = &event.Frame{Width: 640 + i%2, Height: 480, Pix: make([]byte, (640+i%2)*480*3)}
		copy(v.Frame.Pix, noise)
		s.view(v) // never waits, or this test would not end
		if i%50 == 0 {
			next(t, quick)
		}
	}
	s.view(look(99))
	for next(t, quick) != 99 {
	}
	seen := 1
	for next(t, slow) != 99 {
		seen++
	}
	require.Less(t, seen, many, "what was too old was left out")
}

// A page in use is taken down with its streams.
func TestRunUntilTheEnd(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()

	taken := New(config.Page{Listen: address, Token: token}, slog.New(slog.DiscardHandler))
	err = taken.Run(t.Context())
	require.ErrorIs(t, err, ErrListen)
	require.ErrorContains(t, err, address)
	require.ErrorContains(t, err, "page.listen")
	require.NoError(t, free.Close())

	s := &served{page: taken, Server: &httptest.Server{URL: "http://" + address}, view: taken.Camera("home.door", config.Camera{})}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- taken.Run(ctx) }()
	client := s.browser(t)
	require.Eventually(t, func() bool {
		out, err := client.Do(s.get(t, "/login"))
		if err != nil {
			return false
		}
		out.Body.Close()
		return out.StatusCode == http.StatusOK
	}, patience, 10*time.Millisecond)
	parts := s.watch(t, s.signedIn(t))
	s.view(look(64))
	require.Equal(t, 64, next(t, parts))
	end()
	_, err = parts.NextPart()
	require.Error(t, err, "the stream is closed")
	require.NoError(t, <-ended)
}

func TestOffIsOff(t *testing.T) {
	p := New(config.Page{}, slog.New(slog.DiscardHandler))
	require.Nil(t, p.Camera("home.door", config.Camera{}), "so that the pipeline shows nobody anything")
	require.NoError(t, p.Run(t.Context()))
}

func TestConnectionsAreLimited(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := newLimited(inner, 1)
	dial := func() net.Conn {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", inner.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	dial()
	dial()
	first, err := l.Accept()
	require.NoError(t, err)
	second := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			second <- c
		}
		close(second)
	}()
	require.Empty(t, second)
	require.NoError(t, first.Close())
	require.ErrorIs(t, first.Close(), net.ErrClosed, "which frees no second place")
	require.NoError(t, (<-second).Close())

	held := make(chan error, 1)
	l.free <- struct{}{}
	go func() {
		_, err := l.Accept()
		held <- err
	}()
	require.NoError(t, l.Close())
	require.ErrorIs(t, <-held, net.ErrClosed, "who waits for a place is let go")
}

func BenchmarkViewNobodyWatches(b *testing.B) {
	p := New(config.Page{Listen: "127.0.0.1:1", Token: token}, slog.New(slog.DiscardHandler))
	view, v := p.Camera("home.door", config.Camera{}), look(768)
	b.ReportAllocs()
	for b.Loop() {
		view(v)
	}
}
