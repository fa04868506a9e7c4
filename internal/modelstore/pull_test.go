package modelstore_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/modelstore"
)

// mirror serves a model's files and remembers the requests for the weights.
type mirror struct {
	*httptest.Server
	mu     sync.Mutex
	ranges []string // of requests for net.weights
}

// serve starts a mirror; the hook, when it returns true, has answered the
// n-th request for the weights, counted from 1.
func serve(t *testing.T, m testModel, hook func(w http.ResponseWriter, r *http.Request, n int) bool) *mirror {
	t.Helper()
	s := &mirror{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/net.cfg") {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(m.config))
			return
		}
		s.mu.Lock()
		s.ranges = append(s.ranges, r.Header.Get("Range"))
		n := len(s.ranges)
		s.mu.Unlock()
		if hook == nil || !hook(w, r, n) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(m.weights))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *mirror) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.ranges...)
}

func (s *mirror) store(t *testing.T, m testModel) (*modelstore.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "not", "yet")
	return newStore(t, modelstore.Config{
		Dir: dir, Manifest: m.manifest(t, nil), Client: s.Client(), Backoff: time.Microsecond,
	}), dir
}

// cut answers the first n bytes of what was asked for and breaks the line.
func cut(w http.ResponseWriter, r *http.Request, data []byte, n int) {
	w.Header().Set("Content-Length", "100000")
	_, _ = w.Write(data[:n])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func requireNoParts(t *testing.T, dir string) {
	t.Helper()
	parts, err := filepath.Glob(filepath.Join(dir, "*", "*.part"))
	require.NoError(t, err)
	require.Empty(t, parts)
}

func TestPull(t *testing.T) {
	m := newTestModel()
	web := serve(t, m, nil)
	store, dir := web.store(t, m)
	var last modelstore.Progress
	opt := modelstore.PullOptions{Mirror: web.URL + "/files", Progress: func(p modelstore.Progress) {
		if p.File == "net.weights" {
			require.GreaterOrEqual(t, p.Done, last.Done)
			last = p
		}
	}}
	require.NoError(t, store.Pull(t.Context(), "test-net", opt))
	require.NoError(t, store.Verify("test-net"))
	require.Equal(t, modelstore.Progress{File: "net.weights", Done: 100_000, Total: 100_000}, last)
	requireNoParts(t, dir)
	require.NoError(t, store.Pull(t.Context(), "test-net", opt))
	require.Len(t, web.seen(), 1, "what is installed is not fetched again")
	require.ErrorIs(t, store.Pull(t.Context(), "nothing", opt), modelstore.ErrUnknownModel)
}

func TestPullResumesAfterABrokenLine(t *testing.T) {
	m := newTestModel()
	web := serve(t, m, func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n == 1 {
			cut(w, r, m.weights, 40_000)
		}
		return false
	})
	store, dir := web.store(t, m)
	require.NoError(t, store.Pull(t.Context(), "test-net", modelstore.PullOptions{Mirror: web.URL}))
	require.NoError(t, store.Verify("test-net"))
	require.Equal(t, []string{"", "bytes=40000-"}, web.seen())
	requireNoParts(t, dir)
}

func TestPullResumesWhatAnEarlierRunLeft(t *testing.T) {
	m := newTestModel()
	ctx, cancel := context.WithCancel(t.Context())
	web := serve(t, m, func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n == 1 {
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(m.weights[:30_000])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done() // hangs until the client goes
			return true
		}
		return false
	})
	store, _ := web.store(t, m)
	err := store.Pull(ctx, "test-net", modelstore.PullOptions{Mirror: web.URL, Progress: func(p modelstore.Progress) {
		if p.Done == 30_000 {
			cancel()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, modelstore.Partial, store.List()[0].State)
	require.NoError(t, store.Pull(t.Context(), "test-net", modelstore.PullOptions{Mirror: web.URL}))
	require.NoError(t, store.Verify("test-net"))
	require.Equal(t, []string{"", "bytes=30000-"}, web.seen())
}

func TestPullStartsOverWhenTheRestDoesNotFit(t *testing.T) {
	m := newTestModel()
	for name, hook := range map[string]func(w http.ResponseWriter, r *http.Request, n int) bool{
		"honest server": nil,
		"no ranges": func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			_, _ = w.Write(m.weights)
			return true
		},
		"range refused": func(w http.ResponseWriter, r *http.Request, _ int) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			web := serve(t, m, hook)
			store, dir := web.store(t, m)
			part := filepath.Join(dir, "test-net", "net.weights.part")
			require.NoError(t, os.MkdirAll(filepath.Dir(part), 0o755))
			require.NoError(t, os.WriteFile(part, []byte("left by something else"), 0o644))
			require.NoError(t, store.Pull(t.Context(), "test-net", modelstore.PullOptions{Mirror: web.URL}))
			require.NoError(t, store.Verify("test-net"))
		})
	}
}

func TestPullRefusesWrongFilesByName(t *testing.T) {
	m := newTestModel()
	wrong := bytes.Repeat([]byte("x"), 100_000)
	for name, c := range map[string]struct {
		body []byte
		says string
	}{
		"wrong hash": {wrong, "its hash is"},
		"cut short":  {wrong[:500], "cut short, 500 of 100000"},
		"too long":   {bytes.Repeat(wrong, 50), "longer than the 100000 bytes"},
		"nothing":    {nil, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			web := serve(t, m, func(w http.ResponseWriter, _ *http.Request, _ int) bool {
				_, _ = w.Write(c.body)
				return true
			})
			store, dir := web.store(t, m)
			var most int64
			err := store.Pull(t.Context(), "test-net", modelstore.PullOptions{Mirror: web.URL, Progress: func(p modelstore.Progress) {
				most = max(most, p.Done)
			}})
			require.ErrorIs(t, err, modelstore.ErrCorrupt)
			require.ErrorContains(t, err, "net.weights")
			require.ErrorContains(t, err, web.URL)
			require.ErrorContains(t, err, c.says)
			require.LessOrEqual(t, most, int64(100_001), "no more is taken than the file may have")
			require.Len(t, web.seen(), 1, "asking again would not help")
			requireNoParts(t, dir)
			require.ErrorIs(t, store.Verify("test-net"), modelstore.ErrMissing)
		})
	}
}

func TestPullTriesAgainWhenThatMayHelp(t *testing.T) {
	m := newTestModel()
	for name, c := range map[string]struct {
		status, times, requests int
		ok                      bool
	}{
		"busy":      {http.StatusServiceUnavailable, 3, 4, true},
		"slow down": {http.StatusTooManyRequests, 1, 2, true},
		"down":      {http.StatusBadGateway, 1000, 5, false},
		"gone":      {http.StatusNotFound, 1000, 1, false},
		"secret":    {http.StatusForbidden, 1000, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			web := serve(t, m, func(w http.ResponseWriter, _ *http.Request, n int) bool {
				if n > c.times {
					return false
				}
				w.WriteHeader(c.status)
				return true
			})
			store, _ := web.store(t, m)
			err := store.Pull(t.Context(), "test-net", modelstore.PullOptions{Mirror: web.URL})
			require.Equal(t, c.ok, err == nil, "%v", err)
			require.Len(t, web.seen(), c.requests)
			if err != nil {
				require.ErrorContains(t, err, http.StatusText(c.status))
			}
		})
	}
}

func TestPullTriesAgainWhenNothingArrives(t *testing.T) {
	m := newTestModel()
	web := serve(t, m, func(w http.ResponseWriter, r *http.Request, n int) bool {
		switch n {
		case 1: // no answer at all
		case 2: // a part, and then nothing
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(m.weights[:50_000])
			_ = http.NewResponseController(w).Flush()
		default:
			return false
		}
		<-r.Context().Done()
		return true
	})
	store := newStore(t, modelstore.Config{
		Dir: t.TempDir(), Manifest: m.manifest(t, nil), Client: web.Client(), Backoff: time.Microsecond, Stall: 200 * time.Millisecond,
	})
	require.NoError(t, store.Pull(t.Context(), "test-net", modelstore.PullOptions{Mirror: web.URL}))
	require.NoError(t, store.Verify("test-net"))
	require.Equal(t, []string{"", "", "bytes=50000-"}, web.seen())
}

func TestPullLeavesAFileToWhoeverIsWritingIt(t *testing.T) {
	m, from, dir := newTestModel(), t.TempDir(), t.TempDir()
	m.write(t, from)
	path := filepath.Join(dir, "test-net", "net.weights.part")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	other, err := os.Create(path)
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, syscall.Flock(int(other.Fd()), syscall.LOCK_EX))
	store := newStore(t, modelstore.Config{Dir: dir, Manifest: m.manifest(t, nil)})
	err = store.Pull(t.Context(), "test-net", modelstore.PullOptions{Mirror: from})
	require.ErrorContains(t, err, "another process")
	require.NoError(t, other.Close())
	require.NoError(t, store.Pull(t.Context(), "test-net", modelstore.PullOptions{Mirror: from}))
}

func TestPullFromAMirrorDirectory(t *testing.T) {
	m, from, dir := newTestModel(), t.TempDir(), t.TempDir()
	m.write(t, from)
	require.NoError(t, os.WriteFile(filepath.Join(from, "net.weights"), []byte("a bad namesake"), 0o644))
	store := newStore(t, modelstore.Config{Dir: dir, Manifest: m.manifest(t, nil)})
	require.NoError(t, store.Pull(t.Context(), "test-net", modelstore.PullOptions{Mirror: from}))
	require.NoError(t, store.Verify("test-net"))
	requireNoParts(t, dir)

	other := newStore(t, modelstore.Config{Dir: t.TempDir(), Manifest: m.manifest(t, nil)})
	err := other.Pull(t.Context(), "test-net", modelstore.PullOptions{Mirror: t.TempDir()})
	require.ErrorIs(t, err, modelstore.ErrMissing)
	err = other.Pull(t.Context(), "test-net", modelstore.PullOptions{Mirror: filepath.Join(from, "net.cfg")})
	require.ErrorContains(t, err, "neither a directory nor an http address")
	err = other.Pull(t.Context(), "test-net", modelstore.PullOptions{})
	require.ErrorContains(t, err, "the manifest has no address")
}

func TestPullTriesTheManifestsAddressesInTurn(t *testing.T) {
	m := newTestModel()
	files := http.NewServeMux()
	files.HandleFunc("/good/net.weights", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(m.weights) })
	files.HandleFunc("/good/net.cfg", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(m.config) })
	web := httptest.NewTLSServer(files)
	t.Cleanup(web.Close)
	store := newStore(t, modelstore.Config{
		Dir: t.TempDir(), Client: web.Client(), Backoff: time.Microsecond,
		Manifest: m.manifest(t, func(m *modelstore.Model) {
			for i := range m.Files {
				m.Files[i].URLs = []string{web.URL + "/bad/" + m.Files[i].Name, web.URL + "/good/" + m.Files[i].Name}
			}
		}),
	})
	require.NoError(t, store.Pull(t.Context(), "test-net", modelstore.PullOptions{}))
	require.NoError(t, store.Verify("test-net"))
}

func TestPullSaysWhenTheDirectoryCannotBeWritten(t *testing.T) {
	m := newTestModel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	store := newStore(t, modelstore.Config{Dir: filepath.Dir(file), Manifest: m.manifest(t, func(m *modelstore.Model) { m.Name = "file" })})
	from := t.TempDir()
	m.write(t, from)
	err := store.Pull(t.Context(), "file", modelstore.PullOptions{Mirror: from})
	require.ErrorContains(t, err, "choose another directory with --models")
}
