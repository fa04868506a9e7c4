package s3

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3bolt"
	bolt "go.etcd.io/bbolt"
)

// ErrUnsupported means that a bucket asks for what the local store does not do.
var ErrUnsupported = errors.New("bucket property is not supported by the local S3")

// Config says where objects live.
type Config struct {
	Dir    string           // made if missing; holds objects.db
	Region string           // told in notifications
	Queues Queues           // takes notifications; needed where a bucket has some
	Now    func() time.Time // time.Now when nil
	Logger *slog.Logger
}

// Properties is what is honored of AWS::S3::Bucket.
type Properties struct {
	BucketName                string
	LifecycleConfiguration    *struct{ Rules []LifecycleRule }
	NotificationConfiguration Notifications
	VersioningConfiguration   struct{ Status string }
}

// LifecycleRule expires objects under Prefix some days after they were put.
type LifecycleRule struct {
	ID               string `json:"Id"`
	Status           string // Enabled or Disabled
	Prefix           string
	ExpirationInDays int
	TagFilters       []any
}

// Store serves the buckets. It is safe for concurrent use.
type Store struct {
	cfg     Config
	db      *bolt.DB
	backend *s3bolt.Backend
	handler http.Handler
	// By bucket; written before serving starts.
	rules         map[string][]LifecycleRule
	notifications map[string][]QueueConfiguration
}

// clock lets gofakes3 tell the store's time.
type clock func() time.Time

func (c clock) Now() time.Time                  { return c() }
func (c clock) Since(t time.Time) time.Duration { return c().Sub(t) }

// Open opens the objects in cfg.Dir.
func Open(cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("object store: %w", err)
	}
	path := filepath.Join(cfg.Dir, "objects.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: 2 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("object store: open %s (is another local cloud using it?): %w", path, err)
	}
	backend := s3bolt.New(db, s3bolt.WithTimeSource(clock(cfg.Now)))
	fake := gofakes3.New(backend, gofakes3.WithTimeSource(clock(cfg.Now)), gofakes3.WithTimeSkewLimit(0))
	return &Store{cfg: cfg, db: db, backend: backend, handler: fake.Server(),
		rules: map[string][]LifecycleRule{}, notifications: map[string][]QueueConfiguration{}}, nil
}

// Close flushes and closes the store.
func (s *Store) Close() error { return s.db.Close() }

// Provision makes a bucket, or leaves the one there is, and sets its rules.
// Call it before serving starts.
func (s *Store) Provision(p Properties) error {
	if err := gofakes3.ValidateBucketName(p.BucketName); err != nil {
		return fmt.Errorf("bucket name %q: %w", p.BucketName, err)
	}
	if err := p.NotificationConfiguration.check(); err != nil {
		return fmt.Errorf("bucket %s: %w", p.BucketName, err)
	}
	if len(p.NotificationConfiguration.QueueConfigurations) > 0 && s.cfg.Queues == nil {
		return fmt.Errorf("%w: notifications of %s, there are no queues here", ErrUnsupported, p.BucketName)
	}
	var rules []LifecycleRule
	if p.LifecycleConfiguration != nil {
		for _, r := range p.LifecycleConfiguration.Rules {
			if len(r.TagFilters) > 0 {
				return fmt.Errorf("%w: TagFilters in lifecycle rule %q of %s", ErrUnsupported, r.ID, p.BucketName)
			}
			if r.Status == "Enabled" && r.ExpirationInDays > 0 {
				rules = append(rules, r)
			}
		}
	}
	if p.VersioningConfiguration.Status == "Enabled" {
		s.cfg.Logger.Warn("object versions are not kept locally: an overwritten object is gone", "bucket", p.BucketName)
	}
	exists, err := s.backend.BucketExists(p.BucketName)
	if err != nil {
		return fmt.Errorf("bucket %s: %w", p.BucketName, err)
	}
	if !exists {
		if err := s.backend.CreateBucket(p.BucketName); err != nil {
			return fmt.Errorf("bucket %s: %w", p.BucketName, err)
		}
	}
	s.rules[p.BucketName] = rules
	s.notifications[p.BucketName] = p.NotificationConfiguration.QueueConfigurations
	return nil
}
