package page

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/logtest"
	"porchlight/internal/motion"
	"porchlight/internal/pipeline"
	"porchlight/internal/track"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token    = "correct-horse-battery"
	patience = 60 * time.Second // bounds waits that end early when all is well
)

// log that tests look at.
type log = logtest.Memory

// served is a page on a server of its own, with one camera.
type served struct {
	*httptest.Server
	page *Page
	view func(*pipeline.View)
	log  *log
}

func serve(t *testing.T) *served { return serveWith(t, nil) }

func serveWith(t *testing.T, recordings Recordings) *served {
	t.Helper()
	s := &served{log: &log{}}
	s.page = New(config.Page{Listen: "127.0.0.1:1", Token: token}, recordings, slog.New(slog.NewTextHandler(s.log, nil)))
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

// said is what the page answers, but for the body.
type said struct {
	StatusCode int
	Header     http.Header
	cookies    []*http.Cookie
}

func answer(t *testing.T, client *http.Client, r *http.Request) (said, string) {
	t.Helper()
	out, err := client.Do(r)
	require.NoError(t, err)
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	require.NoError(t, err)
	return said{out.StatusCode, out.Header, out.Cookies()}, string(body)
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

// A page in use is taken down with its streams.
func TestRunUntilTheEnd(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()

	taken := New(config.Page{Listen: address, Token: token}, nil, slog.New(slog.DiscardHandler))
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
	p := New(config.Page{}, nil, slog.New(slog.DiscardHandler))
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
	p := New(config.Page{Listen: "127.0.0.1:1", Token: token}, nil, slog.New(slog.DiscardHandler))
	view, v := p.Camera("home.door", config.Camera{}), look(768)
	b.ReportAllocs()
	for b.Loop() {
		view(v)
	}
}
