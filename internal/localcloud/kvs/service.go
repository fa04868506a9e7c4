package kvs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"

	"porchlight/internal/localcloud/awsapi"
	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/ingest"
	"porchlight/internal/localcloud/kvs/playback"
	"porchlight/internal/localcloud/kvs/signaling"
	"porchlight/internal/localcloud/kvs/wire"
)

// Objects stores images.
type Objects interface {
	Put(ctx context.Context, bucket, key, contentType string, metadata map[string]string, body []byte) error
}

// Topics sends notices.
type Topics interface {
	Notify(ctx context.Context, topicARN, subject, message string) error
}

// Access decides what the role that sent a fragment may do, by the policy
// variables of its session; an error says why not.
type Access func(roleARN, action, resource string, vars map[string]string) error

// Config wires the service. Dir, Region, AccountID, Endpoint and Logger must be given.
type Config struct {
	Dir       string // state; made if missing
	Region    string
	AccountID string
	Partition string        // "aws" when empty
	Endpoint  string        // base URL of the service; GetDataEndpoint answers with the host by which a client came
	MaxBytes  int64         // of all fragments; fragments.DefaultMaxBytes when 0
	FFmpeg    string        // program that makes images; found in PATH when empty
	MediaIdle time.Duration // how long GetMedia waits for a fragment; playback.DefaultMediaIdle when 0
	Limits    ingest.Limits
	Signaling *signaling.Service // nil: there are no signaling channels; closed by whoever opened it
	Objects   Objects            // nil: no images are generated
	Topics    Topics             // nil: no notices are sent
	Access    Access             // nil: roles may store images and send notices
	Now       func() time.Time
	Logger    *slog.Logger
}

// Service is Kinesis Video Streams.
type Service struct {
	cfg    Config
	store  *fragments.Store
	ingest *ingest.Server
	player *playback.Player
	routes map[string]http.Handler
	wake   chan struct{} // there is work on a fragment

	// Faults go wrong with uploads when asked to.
	Faults *ingest.Faults
}

// Open opens the streams in cfg.Dir.
func Open(cfg Config) (*Service, error) {
	if cfg.Region == "" || cfg.AccountID == "" || cfg.Endpoint == "" || cfg.Logger == nil {
		return nil, errors.New("video streams: region, account, endpoint and logger must be given")
	}
	if cfg.Partition == "" {
		cfg.Partition = "aws"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	store, err := fragments.Open(fragments.Config{Dir: cfg.Dir, MaxBytes: cfg.MaxBytes, Now: cfg.Now, Logger: cfg.Logger})
	if err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, store: store, wake: make(chan struct{}, 1), Faults: &ingest.Faults{}}
	s.ingest = ingest.New(ingest.Config{Store: store, Limits: cfg.Limits, Faults: s.Faults, Work: s.hasWork, Stored: s.stored,
		Now: cfg.Now, Logger: cfg.Logger})
	s.player, err = playback.New(playback.Config{Store: store, Endpoint: cfg.Endpoint, FFmpeg: cfg.FFmpeg, MediaIdle: cfg.MediaIdle, Now: cfg.Now, Logger: cfg.Logger})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	s.routes = s.operations()
	for path, h := range s.player.Operations() {
		s.routes[path] = h
	}
	s.routes["/putMedia"] = s.ingest
	if cfg.Signaling != nil {
		maps.Copy(s.routes, cfg.Signaling.Handlers())
	}
	return s, nil
}

// sweepEvery is how often expired fragments are removed.
const sweepEvery = time.Minute

// Run removes what has expired and works on tagged fragments until ctx ends;
// then it ends all uploads and downloads.
func (s *Service) Run(ctx context.Context) {
	defer s.ingest.Stop()
	defer s.player.Stop()
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		removed, err := s.store.Sweep()
		if err != nil {
			s.cfg.Logger.Error("expired video was not all removed", "err", err)
		}
		if removed > 0 {
			s.cfg.Logger.Info("expired video removed", "fragments", removed)
		}
		s.work(ctx)
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
		case <-s.wake:
		}
	}
}

// Close closes the store; Run and all requests must have ended.
func (s *Service) Close() error {
	s.ingest.Stop()
	s.player.Stop()
	return s.store.Close()
}

// ServeHTTP answers a signed request that the front door has authorized.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := s.routes[r.URL.Path]
	if h == nil {
		awsapi.WriteError(w, awsapi.RESTJSON, &awsapi.Error{Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: fmt.Sprintf("the local Kinesis Video Streams does not know %s %s", r.Method, r.URL.Path)})
		return
	}
	if r.Method != http.MethodPost && !signaling.Connects(r.URL.Path) {
		wire.Fail(w, s.cfg.Logger, wire.Invalid("%s takes POST", r.URL.Path))
		return
	}
	h.ServeHTTP(w, r)
}

// Sessions answers requests for what streaming session URLs lead to: they
// carry a token instead of a signature.
func (s *Service) Sessions() http.Handler { return s.player }

// StreamARN turns the name or ARN of a stream into the ARN that policies are
// held against; of a stream that does not exist yet, the last part is a star.
func (s *Service) StreamARN(nameOrARN string) string {
	if stream, err := s.store.Stream(nameOrARN); err == nil {
		return stream.ARN
	}
	if strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN
	}
	return s.arn(nameOrARN, "*")
}

func (s *Service) arn(name, created string) string {
	return fmt.Sprintf("arn:%s:kinesisvideo:%s:%s:stream/%s/%s", s.cfg.Partition, s.cfg.Region, s.cfg.AccountID, name, created)
}
