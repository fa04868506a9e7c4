package ingest

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"porchlight/internal/localcloud/awsapi"
	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/sts"
)

// Limits of the service. Zero values are those of AWS.
type Limits struct {
	Connection       time.Duration // life of a connection
	Idle             time.Duration // without data until it is closed
	IdleAck          time.Duration // without data until it is told so
	FragmentDuration time.Duration
	FragmentBytes    int64
	Tracks           int
}

func (l Limits) withDefaults() Limits {
	def := Limits{Connection: 45 * time.Minute, Idle: 30 * time.Second, IdleAck: 5 * time.Second,
		FragmentDuration: 20 * time.Second, FragmentBytes: 50 << 20, Tracks: 3}
	if l.Connection == 0 {
		l.Connection = def.Connection
	}
	if l.Idle == 0 {
		l.Idle = def.Idle
	}
	if l.IdleAck == 0 {
		l.IdleAck = def.IdleAck
	}
	if l.FragmentDuration == 0 {
		l.FragmentDuration = def.FragmentDuration
	}
	if l.FragmentBytes == 0 {
		l.FragmentBytes = def.FragmentBytes
	}
	if l.Tracks == 0 {
		l.Tracks = def.Tracks
	}
	return l
}

// Config wires the server. Store and Logger must be given.
type Config struct {
	Store  *fragments.Store
	Limits Limits
	Faults *Faults
	// Work tells whether something is to be done with a fragment once it is
	// stored; Stored is then called with it. Both may be nil.
	Work   func(fragments.Stream, fragments.Fragment) bool
	Stored func(arn string, f fragments.Fragment)
	Now    func() time.Time // time.Now when nil
	Logger *slog.Logger
}

// Server answers PutMedia requests.
type Server struct {
	cfg      Config
	stopping chan struct{}
	stop     sync.Once

	mu   sync.Mutex
	busy map[string]*connection // by stream ARN
}

// New returns a server.
func New(cfg Config) *Server {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Faults == nil {
		cfg.Faults = &Faults{}
	}
	if cfg.Work == nil {
		cfg.Work = func(fragments.Stream, fragments.Fragment) bool { return false }
	}
	if cfg.Stored == nil {
		cfg.Stored = func(string, fragments.Fragment) {}
	}
	return &Server{cfg: cfg, stopping: make(chan struct{}), busy: map[string]*connection{}}
}

// Stop ends all connections and takes no new ones.
func (s *Server) Stop() { s.stop.Do(func() { close(s.stopping) }) }

// ServeHTTP answers one PutMedia; the front door has checked who sends it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := s.open(r)
	if err != nil {
		var answer *awsapi.Error
		if !errors.As(err, &answer) {
			s.cfg.Logger.Error("upload refused", "err", err)
			answer = apiError(http.StatusInternalServerError, "InternalFailure", "the local cloud failed: see its log")
		}
		refuse(w, r, answer)
		return
	}
	defer s.release(c)
	c.serve(w, r)
}

// open checks the headers and takes the stream's one connection.
func (s *Server) open(r *http.Request) (*connection, error) {
	name, arn := r.Header.Get("X-Amzn-Stream-Name"), r.Header.Get("X-Amzn-Stream-Arn")
	if (name == "") == (arn == "") {
		return nil, apiError(http.StatusBadRequest, "InvalidArgumentException",
			"send exactly one of the headers x-amzn-stream-name and x-amzn-stream-arn")
	}
	stream, err := s.cfg.Store.Stream(name + arn)
	if errors.Is(err, fragments.ErrNoStream) {
		return nil, apiError(http.StatusNotFound, "ResourceNotFoundException", "there is no stream %q: create it", name+arn)
	}
	if err != nil {
		return nil, err
	}
	if f, ok := s.cfg.Faults.take(stream.Name, 0, refuses); ok {
		return nil, apiError(f.Status, f.Code, "refused by an injected fault")
	}
	c := &connection{server: s, stream: stream, quit: make(chan struct{})}
	switch kind := r.Header.Get("X-Amzn-Fragment-Timecode-Type"); kind {
	case "ABSOLUTE":
		c.start = time.UnixMilli(0)
	case "RELATIVE":
		if c.start, err = producerStart(r.Header.Get("X-Amzn-Producer-Start-Timestamp")); err != nil {
			return nil, err
		}
	default:
		return nil, apiError(http.StatusBadRequest, "InvalidArgumentException",
			"the header x-amzn-fragment-timecode-type is %q: ABSOLUTE and RELATIVE are known", kind)
	}
	if p, ok := sts.PrincipalFrom(r.Context()); ok {
		c.by, c.vars = p.RoleARN, p.Vars
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.stopping:
		return nil, apiError(http.StatusServiceUnavailable, "ServiceUnavailable", "the local cloud is stopping")
	default:
	}
	if s.busy[stream.ARN] != nil {
		return nil, apiError(http.StatusBadRequest, "ConnectionLimitExceededException",
			"another PutMedia to %s is open: end it first", stream.Name)
	}
	s.busy[stream.ARN] = c
	return c, nil
}

func (s *Server) release(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[c.stream.ARN] == c {
		delete(s.busy, c.stream.ARN)
	}
}

// producerStart reads seconds since 1970 with up to three decimals.
func producerStart(text string) (time.Time, error) {
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds >= 0 && seconds < 1e11) {
		return time.Time{}, apiError(http.StatusBadRequest, "InvalidArgumentException",
			"the header x-amzn-producer-start-timestamp is %q: with RELATIVE timecodes it must be seconds since 1970", text)
	}
	return time.UnixMilli(int64(seconds*1000 + 0.5)), nil
}
