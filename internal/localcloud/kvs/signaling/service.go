package signaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"porchlight/internal/localcloud/kvs/wire"
)

// Paths of the WebSocket endpoints. Some SDKs look at the host of an endpoint
// alone: at "/" they are told apart by their client id, as only viewers have one.
const (
	MasterPath = "/signaling/master"
	ViewerPath = "/signaling/viewer"
	anyPath    = "/"
)

// Connects tells whether a path is that of a WebSocket.
func Connects(path string) bool { return path == MasterPath || path == ViewerPath || path == anyPath }

// Config wires the service. Dir, Region, AccountID, Endpoint and Logger must be given.
type Config struct {
	Dir       string // state; made if missing
	Region    string
	AccountID string
	Partition string // "aws" when empty
	Endpoint  string // base URL that all endpoints begin with, http or https
	Relay     string // host:port of the relay, both UDP and TCP; port 0 takes a free one; empty: there is none
	Limits    Limits
	Now       func() time.Time
	Logger    *slog.Logger
}

// Service is signaling channels with what is connected to them.
type Service struct {
	cfg      Config
	store    *store
	relay    *relay // nil without one
	upgrader websocket.Upgrader

	stopping chan struct{} // closed by Close

	mu       sync.Mutex
	closed   bool
	rooms    map[string]*room   // by channel ARN
	rates    map[string]*bucket // by what is limited
	requests sync.WaitGroup     // that have become connections
}

// Open opens the channels in cfg.Dir and begins to relay, until Close.
func Open(ctx context.Context, cfg Config) (_ *Service, err error) {
	if cfg.Region == "" || cfg.AccountID == "" || cfg.Endpoint == "" || cfg.Logger == nil {
		return nil, errors.New("signaling: region, account, endpoint and logger must be given")
	}
	if cfg.Partition == "" {
		cfg.Partition = "aws"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Limits = cfg.Limits.withDefaults()
	s := &Service{cfg: cfg, rooms: map[string]*room{}, rates: map[string]*bucket{}, stopping: make(chan struct{})}
	s.upgrader = websocket.Upgrader{
		HandshakeTimeout: handshakeTimeout,
		// The signature stands in the address: there is nothing that a browser
		// would add by itself to what a foreign page sends.
		CheckOrigin: func(*http.Request) bool { return true },
	}
	if s.store, err = openStore(cfg.Dir, cfg.Limits.Channels); err != nil {
		return nil, err
	}
	if cfg.Relay == "" {
		return s, nil
	}
	secret, err := s.store.secret("relay")
	if err == nil {
		s.relay, err = openRelay(ctx, cfg, secret)
	}
	if err != nil {
		return nil, errors.Join(err, s.store.close())
	}
	return s, nil
}

// Close ends every connection and the relay, and closes the store.
func (s *Service) Close() error {
	s.mu.Lock()
	if !s.closed {
		close(s.stopping)
	}
	s.closed = true
	for _, r := range s.rooms {
		for _, c := range r.everyone() {
			c.end(websocket.CloseGoingAway, "the local cloud is stopping")
		}
	}
	s.mu.Unlock()
	s.requests.Wait()
	var err error
	if s.relay != nil {
		err = s.relay.close()
	}
	return errors.Join(err, s.store.close())
}

// RelayAddress is where the relay listens; empty where there is none.
func (s *Service) RelayAddress() string {
	if s.relay == nil {
		return ""
	}
	return s.relay.address
}

// Handlers are all operations, by path.
func (s *Service) Handlers() map[string]http.Handler {
	log := s.cfg.Logger
	return map[string]http.Handler{
		"/createSignalingChannel":            wire.Handler(log, s.create),
		"/describeSignalingChannel":          wire.Handler(log, s.describe),
		"/listSignalingChannels":             wire.Handler(log, s.list),
		"/updateSignalingChannel":            wire.Handler(log, s.update),
		"/deleteSignalingChannel":            wire.Handler(log, s.remove),
		"/getSignalingChannelEndpoint":       wire.Handler(log, s.endpoints),
		"/describeMediaStorageConfiguration": wire.Handler(log, s.describeStorage),
		"/v1/get-ice-server-config":          wire.Handler(log, s.iceServers),
		"/v1/send-alexa-offer-to-master":     wire.Handler(log, s.alexaOffer),
		MasterPath:                           http.HandlerFunc(s.connect),
		ViewerPath:                           http.HandlerFunc(s.connect),
		anyPath:                              http.HandlerFunc(s.connect),
	}
}

// ChannelARN turns the name or ARN of a channel into the ARN that policies are
// held against; of a channel that does not exist yet, the last part is a star.
func (s *Service) ChannelARN(nameOrARN string) string {
	if c, err := s.store.find(nameOrARN); err == nil {
		return c.ARN
	}
	if strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN
	}
	return s.arn(nameOrARN, "*")
}

func (s *Service) arn(name, created string) string {
	return fmt.Sprintf("arn:%s:kinesisvideo:%s:%s:channel/%s/%s", s.cfg.Partition, s.cfg.Region, s.cfg.AccountID, name, created)
}

// IsChannel tells whether an ARN is that of a signaling channel.
func IsChannel(arn string) bool { return strings.Contains(arn, ":channel/") }

// allow counts one use of something that is limited to so many a second.
func (s *Service) allow(what string, rate float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	b := s.rates[what]
	if b == nil {
		for key, old := range s.rates { // those that are full say nothing
			if old.full(now) {
				delete(s.rates, key)
			}
		}
		b = newBucket(rate, now)
		s.rates[what] = b
	}
	return b.take(now)
}

// explain gives the store's errors the names that the APIs have for them.
func explain(err error) error {
	switch {
	case errors.Is(err, errNoChannel):
		return wire.NotFound("there is no such signaling channel: create it")
	case errors.Is(err, errExists):
		return wire.Error("ResourceInUseException", "a signaling channel of this name exists: use it, or delete it first")
	case errors.Is(err, errVersion):
		return wire.Error("VersionMismatchException", "the signaling channel has another version: describe it and send that one")
	case errors.Is(err, errTooMany):
		return wire.Error("AccountChannelLimitExceededException", "%v: delete some", err)
	}
	return err
}

func tooFast(format string, args ...any) error {
	return wire.Error("ClientLimitExceededException", format, args...)
}
