package fetch_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/edge/update/fetch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage serves one file; the hook, when it returns true, has answered the n-th
// request, counted from 1.
type stage struct {
	*httptest.Server
	data []byte
	dir  string

	mu     sync.Mutex
	ranges []string
}

func serve(t *testing.T, hook func(w http.ResponseWriter, r *http.Request, n int) bool) *stage {
	t.Helper()
	s := &stage{data: bytes.Repeat([]byte("0123456789"), 10_000), dir: filepath.Join(t.TempDir(), "download")}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.ranges = append(s.ranges, r.Header.Get("Range"))
		n := len(s.ranges)
		s.mu.Unlock()
		if hook == nil || !hook(w, r, n) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.data))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *stage) file() fetch.File {
	sum := sha256.Sum256(s.data)
	return fetch.File{URL: s.URL + "/file?secret=hush", SHA256: hex.EncodeToString(sum[:]), Size: int64(len(s.data))}
}

func (s *stage) downloader() fetch.Downloader {
	return fetch.Downloader{
		Source: fetch.New(s.Client(), nil), Dir: s.dir, Attempts: 3, Backoff: time.Millisecond, Log: slog.New(slog.DiscardHandler),
	}
}

func (s *stage) get(t *testing.T) error {
	t.Helper()
	path, err := s.downloader().Get(t.Context(), s.file(), func(int64) {})
	if err != nil {
		return err
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(s.data, got))
	return nil
}

// cut answers the first n bytes and breaks the line.
func cut(w http.ResponseWriter, data []byte, n int) {
	w.Header().Set("Content-Length", "100000")
	_, _ = w.Write(data[:n])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func TestDownloadOnce(t *testing.T) {
	s := serve(t, nil)
	require.NoError(t, s.get(t))
	require.NoError(t, s.get(t))
	require.Equal(t, []string{""}, s.ranges, "what is there is not fetched again")
	entries, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestBrokenLineIsResumed(t *testing.T) {
	var s *stage
	s = serve(t, func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n == 1 {
			cut(w, s.data, 40_000)
		}
		if n == 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return n == 2
	})
	require.NoError(t, s.get(t))
	require.Regexp(t, `^ bytes=[1-9]\d*- bytes=[1-9]\d*-$`, strings.Join(s.ranges, " "))
}

// A program that was killed goes on where it was.
func TestPartOfAnEarlierRunIsResumed(t *testing.T) {
	s := serve(t, nil)
	part := filepath.Join(s.dir, s.file().SHA256+".part")
	require.NoError(t, os.MkdirAll(s.dir, 0o700))
	require.NoError(t, os.WriteFile(part, s.data[:99_999], 0o600))
	require.NoError(t, s.get(t))
	require.Equal(t, []string{"bytes=99999-"}, s.ranges)
}

func TestDamagedPartIsFetchedAgain(t *testing.T) {
	for name, rest := range map[string][]byte{"wrong": make([]byte, 500), "too long": make([]byte, 200_000)} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil)
			require.NoError(t, os.MkdirAll(s.dir, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(s.dir, s.file().SHA256+".part"), rest, 0o600))
			require.NoError(t, s.get(t))
			require.Equal(t, "", s.ranges[len(s.ranges)-1])
		})
	}
}

func TestServerWithoutRanges(t *testing.T) {
	var s *stage
	s = serve(t, func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n == 1 {
			cut(w, s.data, 40_000)
		}
		_, _ = w.Write(s.data)
		return true
	})
	require.NoError(t, s.get(t))
}

func TestWrongFile(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		_, _ = w.Write(bytes.Repeat([]byte("x"), 200_000))
		return true
	})
	require.ErrorIs(t, s.get(t), fetch.ErrCorrupt)
	entries, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	require.Empty(t, entries)
	require.Len(t, s.ranges, 1, "nor is it asked for again")
}

func TestGivenUp(t *testing.T) {
	for code, requests := range map[int]int{http.StatusForbidden: 1, http.StatusNotFound: 1, http.StatusBadGateway: 3} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			w.WriteHeader(code)
			return true
		})
		err := s.get(t)
		require.ErrorContains(t, err, http.StatusText(code))
		require.Equal(t, requests == 1, isRefused(err))
		require.NotContains(t, err.Error(), "hush")
		require.Len(t, s.ranges, requests)
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) bool {
		http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		return true
	})
	require.ErrorIs(t, s.get(t), fetch.ErrRefused)
	s.Close()
	require.NotContains(t, s.get(t).Error(), "hush")
}

func isRefused(err error) bool { return errors.Is(err, fetch.ErrRefused) }

func TestStall(t *testing.T) {
	var s *stage
	s = serve(t, func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n > 1 {
			return false
		}
		_, _ = w.Write(s.data[:1000])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // until the client has had enough
		return true
	})
	d := s.downloader()
	d.Stall = 100 * time.Millisecond
	d.Attempts = 1000
	_, err := d.Get(t.Context(), s.file(), func(int64) {})
	require.NoError(t, err)
}

func TestNoSpace(t *testing.T) {
	s := serve(t, nil)
	d := s.downloader()
	d.Reserve = 10
	d.Free = func(string) (int64, error) { return 100_009, nil }
	_, err := d.Get(t.Context(), s.file(), func(int64) {})
	require.ErrorIs(t, err, fetch.ErrNoSpace)
	require.Empty(t, s.ranges)
	d.Free = func(string) (int64, error) { return 100_010, nil }
	_, err = d.Get(t.Context(), s.file(), func(int64) {})
	require.NoError(t, err)
}

func TestStopped(t *testing.T) {
	s := serve(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.downloader().Get(ctx, s.file(), func(int64) { cancel() })
	if err != nil { // it may have been whole at once
		require.ErrorIs(t, err, context.Canceled)
	}
	require.NoError(t, s.get(t))
}

func TestCheckURL(t *testing.T) {
	for _, good := range []string{"https://example.org/a?b=c", "s3://bucket/key/with/parts"} {
		require.NoError(t, fetch.CheckURL(good))
	}
	for _, bad := range []string{"", "http://example.org/a", "file:///etc/passwd", "s3://bucket", "s3://bucket/", "https://u:p@example.org/", "https:///a", "::"} {
		require.Error(t, fetch.CheckURL(bad), bad)
	}
}
