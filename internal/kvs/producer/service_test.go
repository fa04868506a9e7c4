package producer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

// received is a fragment as the service sees it.
type received struct {
	connection int
	timecode   int64
	end        int64 // latest block
	tags       map[string]string
	tracks     map[byte]int // frames
	size       int
	data       []byte // a file of its own
	ended      bool   // by the tag
	header     *heading
}

type heading struct {
	raw    []byte
	tracks map[byte]string // codecs
	sound  bool
}

// moment is where a script may act.
type moment struct {
	service    *service
	connection int // from 1
	fragment   int // counted over all connections, from 1
	r          *http.Request
	w          http.ResponseWriter
	*received
	ack func(kind string, timecode int64, more string)
}

var (
	errCut = errors.New("cut")
	errEnd = errors.New("orderly end")
)

// service is a PutMedia that keeps to every rule of the documents and notes
// whatever breaks one. Scripts add faults.
type service struct {
	t   testing.TB
	web *httptest.Server

	// Scripts; nil ones do nothing. An error ends the connection.
	onRequest func(m *moment) bool  // true when it has answered
	onBegin   func(m *moment) error // a fragment, after BUFFERING
	onBlock   func(m *moment, n int) error
	onEnd     func(m *moment) (handled bool, err error) // before RECEIVED and PERSISTED

	stalls   bool         // handlers stay
	keep     bool         // bodies are kept
	persists func() int64 // how many the producer knows of

	mu          sync.Mutex
	connections int
	active      int
	fragments   int
	persisted   []*received
	told        map[int64]bool // PERSISTED has been sent, and read if need be
	breaches    []string
	requests    []*http.Request
	bodies      []*bytes.Buffer
	secrets     map[string]string // access key to secret
}

func newService(t testing.TB) *service {
	s := &service{t: t, told: make(map[int64]bool), secrets: map[string]string{"AKID": "secret"}}
	s.web = httptest.NewUnstartedServer(http.HandlerFunc(s.putMedia))
	s.web.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, wire{}, c)
	}
	s.web.Start()
	t.Cleanup(s.web.Close)
	return s
}

func (s *service) breach(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.breaches = append(s.breaches, fmt.Sprintf(format, args...))
}

func (s *service) list() []*received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*received(nil), s.persisted...)
}

func (s *service) count() (connections, fragments int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections, s.fragments
}

func (s *service) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active == 0
}

func (s *service) clean() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Empty(s.t, s.breaches)
}

func (s *service) checkRequest(r *http.Request) {
	h := r.Header
	if r.Method != http.MethodPost || r.URL.Path != "/putMedia" || r.ProtoMajor != 1 {
		s.breach("%s %s %s", r.Method, r.URL, r.Proto)
	}
	if len(r.TransferEncoding) != 1 || r.TransferEncoding[0] != "chunked" || h.Get("Expect") != "" {
		s.breach("transfer encoding %v, Expect %q", r.TransferEncoding, h.Get("Expect"))
	}
	if h.Get("x-amzn-stream-name") != "door" || h.Get("x-amzn-fragment-timecode-type") != "ABSOLUTE" {
		s.breach("headers %v", h)
	}
	var sec, ms int
	start := h.Get("x-amzn-producer-start-timestamp")
	if n, err := fmt.Sscanf(start, "%d.%03d", &sec, &ms); n != 2 || err != nil || len(start)-strings.IndexByte(start, '.') != 4 {
		s.breach("start timestamp %q", start)
	}
	s.checkSignature(r)
}

// checkSignature signs the request again.
func (s *service) checkSignature(r *http.Request) {
	auth := r.Header.Get("Authorization")
	key, _, _ := strings.Cut(strings.TrimPrefix(auth, "AWS4-HMAC-SHA256 Credential="), "/")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	s.mu.Lock()
	secret, ok := s.secrets[key]
	s.mu.Unlock()
	if err != nil || !ok {
		s.breach("signed with %q at %v", key, err)
		return
	}
	again, _ := http.NewRequest(r.Method, "http://"+r.Host+r.URL.Path, nil)
	for name, values := range r.Header {
		if n := strings.ToLower(name); strings.HasPrefix(n, "x-amzn-") {
			again.Header[name] = values
		}
	}
	creds := aws.Credentials{AccessKeyID: key, SecretAccessKey: secret, SessionToken: r.Header.Get("X-Amz-Security-Token")}
	again.ContentLength = -1
	_ = v4.NewSigner().SignHTTP(r.Context(), creds, again, emptyHash, "kinesisvideo", "eu-central-1", at)
	_, want, _ := strings.Cut(again.Header.Get("Authorization"), "Signature=")
	if _, got, _ := strings.Cut(auth, "Signature="); got != want {
		s.breach("signature of %s is wrong", key)
	}
}

// wait is for the connection before, which the producer has to have closed: a
// service may take a moment to notice.
func (s *service) wait() {
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		active := s.active
		s.mu.Unlock()
		if active == 0 || s.stalls {
			return
		}
		if time.Now().After(deadline) {
			s.breach("two connections at once")
			return
		}
	}
}

func (s *service) putMedia(w http.ResponseWriter, r *http.Request) {
	s.wait()
	s.mu.Lock()
	s.connections++
	s.active++
	m := &moment{service: s, connection: s.connections, r: r, w: w}
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.active--
		s.mu.Unlock()
	}()
	s.checkRequest(r)
	if s.onRequest != nil && s.onRequest(m) {
		return
	}
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex()
	w.WriteHeader(http.StatusOK)
	_ = control.Flush()
	m.ack = func(kind string, timecode int64, more string) {
		fmt.Fprintf(w, `{"EventType":"%s","FragmentTimecode":%d,"FragmentNumber":"%047d"%s}`+"\r\n", kind, timecode, timecode, more)
		_ = control.Flush()
	}
	body := &bytes.Buffer{}
	s.mu.Lock()
	s.bodies = append(s.bodies, body)
	s.mu.Unlock()
	var in io.Reader = r.Body
	if s.keep {
		in = io.TeeReader(in, body)
	}
	err := (&parser{service: s, moment: m, r: bufio.NewReader(in)}).run()
	switch {
	case errors.Is(err, errCut):
		cut(r)
	case errors.Is(err, errEnd), errors.Is(err, io.EOF):
	case err != nil && r.Context().Err() == nil && !errors.Is(err, io.ErrUnexpectedEOF):
		s.breach("%v", err)
	}
}

// wire is where a request keeps its connection.
type wire struct{}

// cut closes the connection under a request: the server alone would first
// wait for the rest of the body.
func cut(r *http.Request) {
	_ = r.Context().Value(wire{}).(net.Conn).Close()
	panic(http.ErrAbortHandler)
}

// reject answers a request with an error.
func (m *moment) reject(status int, kind string) bool {
	m.w.Header().Set("x-amzn-ErrorType", kind)
	m.w.WriteHeader(status)
	_, _ = io.WriteString(m.w, `{"message":"no"}`)
	return true
}

// persist stores a fragment and tells the producer.
func (m *moment) persist(f *received) {
	m.service.mu.Lock()
	m.service.persisted = append(m.service.persisted, f)
	m.service.told[f.timecode] = true
	m.service.mu.Unlock()
	m.ack("PERSISTED", f.timecode, "")
}

// settle waits until the producer has read what it was told, so that a cut
// cannot swallow it.
func (m *moment) settle() {
	for range 4000 {
		m.service.mu.Lock()
		n := int64(len(m.service.told))
		m.service.mu.Unlock()
		if m.service.persists() >= n || m.r.Context().Err() != nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	m.service.breach("told %v, known %d", m.service.told, m.service.persists())
}
