package onvif

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Requests that change nothing are tried this often.
const attempts = 3

// transport carries messages to one camera and to nowhere else.
type transport struct {
	client   *http.Client
	user     string
	password string

	mu        sync.Mutex
	clock     time.Duration // by which the camera's clock is ahead
	challenge *challenge    // of HTTP Digest, once the camera has asked
}

func newTransport(user, password string, timeout time.Duration) *transport {
	return &transport{
		user: user, password: password,
		client: &http.Client{
			Timeout: timeout,
			// A camera is on the local network: not behind a proxy, and it has
			// nobody to send us to.
			Transport:     &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 1, IdleConnTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (t *transport) close() { t.client.CloseIdleConnections() }

// request is one call of a camera's operation.
type request struct {
	service *url.URL
	message any
	want    string // the element that answers
	answer  any    // what it is decoded into; nil: nothing
	open    bool   // needs no sign-in
	once    bool   // must not be repeated
}

// call does a request, and again where a connection broke.
func (t *transport) call(ctx context.Context, r request) error {
	for n := 1; ; n++ {
		err := t.try(ctx, r)
		if !r.once && n < attempts && transient(err) {
			// 100 to 200 ms, then 200 to 400.
			wait := time.NewTimer(time.Duration(n) * (100*time.Millisecond + rand.N(100*time.Millisecond)))
			select {
			case <-wait.C:
				continue
			case <-ctx.Done():
				wait.Stop()
			}
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %s: %w", ErrUnreachable, r.service.Host, ctx.Err())
		}
		return t.explain(r, err)
	}
}

// try does a request, once more with HTTP Digest where the camera wants that.
func (t *transport) try(ctx context.Context, r request) error {
	err := t.send(ctx, r)
	var status *statusError
	if !errors.As(err, &status) || status.code != http.StatusUnauthorized || t.user == "" || r.open {
		return err
	}
	c := parseChallenge(status.challenges)
	if c == nil {
		return err
	}
	t.mu.Lock()
	t.challenge = c
	t.mu.Unlock()
	return t.send(ctx, r)
}

// statusError is an HTTP status without a SOAP message.
type statusError struct {
	code       int
	challenges []string // WWW-Authenticate
}

// Error implements error.
func (e *statusError) Error() string {
	return fmt.Sprintf("HTTP %d %s", e.code, http.StatusText(e.code))
}

func (t *transport) send(ctx context.Context, r request) error {
	body, err := envelope(t.header(r), r.message)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.service.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/soap+xml; charset=utf-8")
	req.Header.Set("User-Agent", "porchlight")
	t.mu.Lock()
	if t.challenge != nil && !r.open {
		req.Header.Set("Authorization", t.challenge.answer(t.user, t.password, r.service.RequestURI()))
	}
	t.mu.Unlock()
	resp, err := t.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	err = decode(resp.Body, r.want, r.answer)
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection can be used again
	var f *faultError
	if resp.StatusCode == http.StatusOK || errors.As(err, &f) && (resp.StatusCode != http.StatusUnauthorized || !f.unauthorized()) {
		return err
	}
	return &statusError{code: resp.StatusCode, challenges: resp.Header.Values("WWW-Authenticate")}
}

// header is the sign-in of a request.
func (t *transport) header(r request) string {
	if r.open || t.user == "" {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return usernameToken(t.user, t.password, time.Now().Add(t.clock))
}

func (t *transport) setClock(ahead time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clock = ahead
}
