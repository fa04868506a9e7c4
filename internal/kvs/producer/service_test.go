package producer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
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
	t   *testing.T
	web *httptest.Server

	// Scripts; nil ones do nothing. An error ends the connection.
	onRequest func(m *moment) bool  // true when it has answered
	onBegin   func(m *moment) error // a fragment, after BUFFERING
	onBlock   func(m *moment, n int) error
	onEnd     func(m *moment) (handled bool, err error) // before RECEIVED and PERSISTED

	stalls   bool         // handlers stay
	persists func() int64 // how many the producer knows of

	mu          sync.Mutex
	connections int
	active      int
	fragments   int
	persisted   []*received
	told        map[int64]bool // PERSISTED has been sent, and read if need be
	breaches    []string
	requests    []*http.Request
	secrets     map[string]string // access key to secret
}

func newService(t *testing.T) *service {
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
	err := (&parser{service: s, moment: m, r: bufio.NewReader(r.Body)}).run()
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

// parser reads Matroska as it comes. It shares no code with the writer.
type parser struct {
	service *service
	*moment
	r       *bufio.Reader
	raw     bytes.Buffer // of the element at hand and its children
	head    *heading
	cluster *bytes.Buffer
	last    int64 // latest block of fragments before
}

func (p *parser) read(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(p.r, b); err != nil {
		return nil, err
	}
	p.raw.Write(b)
	return b, nil
}

// vint reads a variable-size integer; keep leaves its marker on.
func (p *parser) vint(keep bool) (uint64, error) {
	first, err := p.read(1)
	if err != nil {
		return 0, err
	}
	n := 1
	for mask := byte(0x80); n <= 8 && first[0]&mask == 0; mask >>= 1 {
		n++
	}
	if n > 8 {
		return 0, fmt.Errorf("bad integer %x", first)
	}
	rest, err := p.read(n - 1)
	if err != nil {
		return 0, io.ErrUnexpectedEOF
	}
	v := uint64(first[0])
	if !keep {
		v &= 1<<(8-n) - 1
	}
	all := v == 1<<(8-n)-1
	for _, b := range rest {
		v = v<<8 | uint64(b)
		all = all && b == 0xff
	}
	if !keep && all {
		return 1<<64 - 1, nil
	}
	return v, nil
}

func (p *parser) run() error {
	segments, open := 0, false
	for {
		p.raw.Reset()
		id, err := p.vint(true)
		if err != nil {
			if errors.Is(err, io.EOF) {
				if e := p.finish(); e != nil {
					return e
				}
			}
			return err
		}
		size, err := p.vint(false)
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		switch id {
		case 0x18538067: // Segment
			if segments++; segments > 1 {
				return errors.New("two segments")
			}
			p.head.raw = append(p.head.raw, p.raw.Bytes()...)
			continue
		case 0x1F43B675: // Cluster
			if err := p.finish(); err != nil {
				return err
			}
			open = true
			p.cluster = &bytes.Buffer{}
			p.cluster.Write(p.raw.Bytes())
			continue
		}
		if size > 60<<20 {
			return fmt.Errorf("element %x of %d bytes", id, size)
		}
		body, err := p.read(int(size))
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		switch id {
		case 0x1A45DFA3:
			p.head = &heading{tracks: make(map[byte]string)}
			p.head.raw = append(p.head.raw, p.raw.Bytes()...)
		case 0x1549A966:
			p.head.raw = append(p.head.raw, p.raw.Bytes()...)
		case 0x1654AE6B:
			p.head.raw = append(p.head.raw, p.raw.Bytes()...)
			p.tracks(body)
		case 0x1254C367:
			if open && p.received == nil {
				return errors.New("tags within an empty cluster")
			}
			if err := p.tags(body); err != nil {
				return err
			}
			open = false
		case 0xE7:
			if !open {
				return errors.New("a timecode outside of a cluster")
			}
			p.cluster.Write(p.raw.Bytes())
			if err := p.begin(int64(binary.BigEndian.Uint64(body))); err != nil {
				return err
			}
		case 0xA7:
			p.cluster.Write(p.raw.Bytes())
		case 0xA3:
			if !open {
				return errors.New("a block outside of a cluster")
			}
			p.cluster.Write(p.raw.Bytes())
			if err := p.block(body); err != nil {
				return err
			}
		default:
			return fmt.Errorf("element %x is not allowed", id)
		}
	}
}

// children walks the elements of a body, all with sizes.
func children(body []byte, visit func(id uint64, body []byte)) {
	p := &parser{r: bufio.NewReader(bytes.NewReader(body))}
	for {
		id, err := p.vint(true)
		if err != nil {
			return
		}
		size, _ := p.vint(false)
		b, err := p.read(int(size))
		if err != nil {
			return
		}
		visit(id, b)
	}
}

func (p *parser) tracks(body []byte) {
	children(body, func(_ uint64, entry []byte) {
		var number byte
		var codec string
		private := 0
		children(entry, func(id uint64, b []byte) {
			switch id {
			case 0xD7:
				number = b[len(b)-1]
			case 0x86:
				codec = string(b)
			case 0x63A2:
				private = len(b)
			}
		})
		if number == 0 || codec == "" || private == 0 {
			p.service.breach("track %d %q with %d bytes of private data", number, codec, private)
		}
		p.head.tracks[number] = codec
		p.head.sound = p.head.sound || number == 2
	})
	if len(p.head.tracks) == 0 || len(p.head.tracks) > 3 {
		p.service.breach("%d tracks", len(p.head.tracks))
	}
}

func (p *parser) tags(body []byte) error {
	children(body, func(_ uint64, tag []byte) {
		children(tag, func(_ uint64, simple []byte) {
			var name, value string
			children(simple, func(id uint64, b []byte) {
				switch id {
				case 0x45A3:
					name = string(b)
				case 0x4487:
					value = string(b)
				}
			})
			if p.received == nil {
				p.service.breach("tag %s of no fragment", name)
				return
			}
			if name == "AWS_KINESISVIDEO_END_OF_FRAGMENT" {
				p.ended = true
				return
			}
			p.received.tags[name] = value
			if len(name) > 128 || len(value) > 256 || len(p.received.tags) > 9 {
				p.service.breach("tag %s=%s", name, value)
			}
		})
	})
	if p.received != nil && p.ended {
		return p.finish()
	}
	return nil
}

func (p *parser) begin(timecode int64) error {
	p.service.mu.Lock()
	p.service.fragments++
	p.fragment = p.service.fragments
	if p.service.told[timecode] {
		p.service.breaches = append(p.service.breaches, fmt.Sprintf("fragment %d is persisted and was sent again", timecode))
	}
	p.service.mu.Unlock()
	p.received = &received{
		connection: p.connection, timecode: timecode, tags: make(map[string]string),
		tracks: make(map[byte]int), header: p.head, end: timecode,
	}
	if timecode <= p.last {
		p.service.breach("fragment %d begins before %d", timecode, p.last)
	}
	if p.service.onBegin != nil {
		if err := p.service.onBegin(p.moment); err != nil {
			return err
		}
	}
	p.ack("BUFFERING", timecode, "")
	return nil
}

func (p *parser) block(body []byte) error {
	f := p.received
	if f == nil || len(body) < 5 {
		return errors.New("a block without a fragment")
	}
	track := body[0] & 0x7f
	offset := int64(int16(binary.BigEndian.Uint16(body[1:])))
	switch {
	case p.head.tracks[track] == "":
		p.service.breach("a frame of track %d", track)
	case f.timecode+offset <= p.last:
		p.service.breach("a frame at %d after a fragment to %d", f.timecode+offset, p.last)
	case offset > 20_000:
		p.service.breach("a fragment of %d ms", offset)
	}
	if track == 1 {
		idr, err := lengthPrefixed(body[4:])
		if err != nil {
			p.service.breach("fragment %d: %v", f.timecode, err)
		}
		if f.tracks[1] == 0 && (!idr || body[3]&0x80 == 0 || offset != 0) {
			p.service.breach("fragment %d does not begin with a keyframe", f.timecode)
		}
	}
	f.tracks[track]++
	f.end = max(f.end, f.timecode+offset)
	if f.size += len(body); f.size > 50<<20 {
		p.service.breach("a fragment of %d bytes", f.size)
	}
	if p.service.onBlock != nil {
		n := 0
		for _, frames := range f.tracks {
			n += frames
		}
		return p.service.onBlock(p.moment, n)
	}
	return nil
}

func lengthPrefixed(b []byte) (idr bool, _ error) {
	for len(b) > 0 {
		if len(b) < 4 {
			return idr, errors.New("cut short")
		}
		n := int(binary.BigEndian.Uint32(b))
		if b = b[4:]; n == 0 || n > len(b) {
			return idr, fmt.Errorf("a NAL unit of %d bytes in %d", n, len(b))
		}
		switch b[0] & 0x1f {
		case 7, 8, 9:
			return idr, errors.New("parameters in a frame")
		case 5:
			idr = true
		}
		b = b[n:]
	}
	return idr, nil
}

// finish is the end of a fragment.
func (p *parser) finish() error {
	f := p.received
	if f == nil {
		return nil
	}
	p.last, p.received = f.end, nil
	for number := range p.head.tracks {
		if f.tracks[number] == 0 {
			p.service.breach("fragment %d has no frame of track %d", f.timecode, number)
		}
	}
	f.data = append(append([]byte{}, p.head.raw...), p.cluster.Bytes()...)
	m := *p.moment
	m.received = f
	if p.service.onEnd != nil {
		if handled, err := p.service.onEnd(&m); handled || err != nil {
			return err
		}
	}
	m.ack("RECEIVED", f.timecode, "")
	m.persist(f)
	return nil
}
