package modelstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"porchlight/internal/backoff"
)

// sources are the places a file can come from, best first.
func (s *Store) sources(f File, mirror string) ([]source, error) {
	switch {
	case strings.HasPrefix(mirror, "http://"), strings.HasPrefix(mirror, "https://"):
		u, err := url.JoinPath(mirror, f.Name)
		if err != nil {
			return nil, fmt.Errorf("mirror %q: %w", mirror, err)
		}
		return []source{&webSource{url: u, cfg: s.cfg}}, nil
	case mirror != "":
		return mirrorFiles(f, mirror)
	case len(f.URLs) == 0:
		return nil, fmt.Errorf("the manifest has no address for it: copy it below %s yourself", s.cfg.Dir)
	}
	var list []source
	for _, u := range f.URLs {
		list = append(list, &webSource{url: u, cfg: s.cfg})
	}
	return list, nil
}

// fileSource is a file of a mirror directory.
type fileSource string

func mirrorFiles(f File, dir string) ([]source, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("mirror %q is neither a directory nor an http address", dir)
	}
	var list []source
	for _, path := range lookup(dir, f.Name) {
		list = append(list, fileSource(path))
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: mirror %s has no such file", ErrMissing, dir)
	}
	return list, nil
}

// open always begins at the start: a copy is quick.
func (p fileSource) open(context.Context, int64) (io.ReadCloser, int64, error) {
	file, err := os.Open(string(p))
	return file, 0, err
}

func (fileSource) retry(context.Context, int, error) bool { return false }

func (p fileSource) String() string { return string(p) }

// webSource is an address.
type webSource struct {
	url string
	cfg Config
}

// errRefused is an answer that will not change by asking again.
var errRefused = errors.New("server refuses")

// maxAttempts in a row without a byte of progress.
const maxAttempts = 5

// open asks for the rest of the file. A server that does not know ranges
// sends all of it, which is taken from the start.
func (w *webSource) open(ctx context.Context, offset int64) (io.ReadCloser, int64, error) {
	resp, err := w.get(ctx, offset)
	if err != nil {
		return nil, 0, err
	}
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		return resp.Body, 0, nil
	case code == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", offset)):
		return resp.Body, offset, nil
	case code == http.StatusRequestedRangeNotSatisfiable && offset > 0:
		_ = resp.Body.Close()
		return w.open(ctx, 0)
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		_ = resp.Body.Close()
		return nil, 0, fmt.Errorf("server answers %s", resp.Status)
	default:
		_ = resp.Body.Close()
		return nil, 0, fmt.Errorf("%w: %s", errRefused, resp.Status)
	}
}

// get sends the request. The answer's body gives up when nothing arrives for
// Config.Stall, and must be closed.
func (w *webSource) get(ctx context.Context, offset int64) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	watch := time.AfterFunc(w.cfg.Stall, func() { cancel(fmt.Errorf("nothing arrived for %v", w.cfg.Stall)) })
	stop := func() { watch.Stop(); cancel(nil) }
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url, nil)
	if err != nil {
		stop()
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity") // ranges count bytes of the file itself
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := w.cfg.Client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		stop()
		return nil, err
	}
	resp.Body = &watched{ReadCloser: resp.Body, ctx: ctx, stop: stop, arrived: func() { watch.Reset(w.cfg.Stall) }}
	return resp, nil
}

// retry waits twice as long each time, give or take half, so that many devices
// do not come back at the same moment.
func (w *webSource) retry(ctx context.Context, n int, err error) bool {
	if n >= maxAttempts || errors.Is(err, errRefused) || ctx.Err() != nil {
		return false
	}
	backoff.Pause(ctx, backoff.Jitter(w.cfg.Backoff<<(n-1)))
	return ctx.Err() == nil
}

func (w *webSource) String() string { return w.url }

// watched is a body whose reads put off the end of its patience.
type watched struct {
	io.ReadCloser
	ctx           context.Context
	stop, arrived func()
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && b.ctx.Err() != nil {
		return n, context.Cause(b.ctx)
	}
	if n > 0 {
		b.arrived()
	}
	return n, err
}

func (b *watched) Close() error {
	err := b.ReadCloser.Close()
	b.stop()
	return err
}
