package dynamo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Errors that Start and Provision return, wrapped with cause and cure.
var (
	ErrNotInstalled  = errors.New("dynalite is not installed")
	ErrNoNode        = errors.New("no node executable")
	ErrStart         = errors.New("dynalite did not start")
	ErrInvalidTable  = errors.New("invalid table properties")
	ErrTableMismatch = errors.New("the existing table has other keys")
)

// maxBody is the most bytes of one request, DynamoDB's own limit for a batch.
const maxBody = 16 << 20

// Config says where the database lives and what runs it.
type Config struct {
	Dir         string        // LevelDB files, made when missing; one server at a time
	NodeModules string        // the node_modules directory that holds dynalite
	Node        string        // node executable, 18 or newer; "" looks for node in PATH
	Region      string        // in table ARNs; "" is us-east-1
	StartWithin time.Duration // how long a first start may take; 0 is a minute, a killed predecessor may still hold the lock
	SweepEvery  time.Duration // between two looks for expired items; 0 is a minute
	Log         *slog.Logger
}

// Server is a running database. Its methods may be called from any goroutine.
type Server struct {
	cfg    Config
	node   string
	log    *slog.Logger
	client *dynamodb.Client
	proxy  http.Handler
	idle   *http.Transport
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu    sync.Mutex
	child endpoint          // the child now serving
	port  int               // of the last child, wished for the next
	ttl   map[string]string // table name → TTL attribute
}

// Start runs dynalite and returns once it answers. It goes on, and restarts
// dynalite when it dies, until ctx is canceled or Close is called. It fails
// with ErrNoNode, ErrNotInstalled or ErrStart.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Node == "" {
		cfg.Node = "node"
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if cfg.StartWithin <= 0 {
		cfg.StartWithin = time.Minute
	}
	if cfg.SweepEvery <= 0 {
		cfg.SweepEvery = time.Minute
	}
	node, err := exec.LookPath(cfg.Node)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: install Node 18 or newer (on Debian: apt install nodejs npm)", ErrNoNode, err)
	}
	if cfg.NodeModules, err = filepath.Abs(cfg.NodeModules); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotInstalled, err)
	}
	if _, err := os.Stat(filepath.Join(cfg.NodeModules, "dynalite", "package.json")); err != nil {
		return nil, fmt.Errorf("%w: %w: run npm ci --prefix internal/localcloud/dynamo/node", ErrNotInstalled, err)
	}
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w: give a directory that can be written", ErrStart, err)
	}

	ctx, cancel := context.WithCancel(ctx)
	s := &Server{
		cfg: cfg, node: node, log: cfg.Log, cancel: cancel,
		child: endpoint{ready: make(chan struct{})},
		ttl:   map[string]string{},
		idle:  &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute},
	}
	s.proxy = newProxy(s)
	s.client = dynamodb.New(dynamodb.Options{
		Region:       cfg.Region,
		BaseEndpoint: aws.String("http://dynalite.invalid"), // the transport knows where
		HTTPClient:   &http.Client{Transport: s},
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
	})

	failed := make(chan error, 1)
	s.done.Go(func() { s.supervise(ctx, failed) })
	select {
	case err := <-failed:
		s.Close()
		return nil, err
	case <-ctx.Done():
		s.Close()
		return nil, fmt.Errorf("%w: %w", ErrStart, context.Cause(ctx))
	case <-s.current().ready:
	}
	s.done.Go(func() { s.sweep(ctx) })
	return s, nil
}

// Close stops the database and returns when its process is gone. Canceling
// the context given to Start does the same; Close then only waits.
func (s *Server) Close() {
	s.cancel()
	s.done.Wait()
	s.idle.CloseIdleConnections()
}

// Endpoint returns the base URL at which dynalite itself answers. It checks no
// signatures and changes when a restart finds the port taken: clients that
// should not notice go through Handler.
func (s *Server) Endpoint() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("http://127.0.0.1:%d", s.port)
}

// Handler returns the DynamoDB API. Requests wait while dynalite restarts.
func (s *Server) Handler() http.Handler { return s.proxy }
