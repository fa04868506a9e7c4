package fragments

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	// DefaultMaxBytes bounds all fragments together.
	DefaultMaxBytes = 20 << 30
	// DefaultMaxStreams bounds how many streams there are.
	DefaultMaxStreams = 1000
	// keptWithoutRetention is how long a stream without retention holds what it was sent.
	keptWithoutRetention = 5 * time.Minute
)

// Bucket names. Below bucketFragments and bucketTimes is one bucket for each stream.
var (
	bucketStreams   = []byte("streams")   // name → Stream
	bucketFragments = []byte("fragments") // ARN → number → Fragment
	bucketTimes     = []byte("times")     // ARN → producer time, number → nothing
	bucketWork      = []byte("work")      // ARN, number → nothing
	bucketSecrets   = []byte("secrets")   // name → random bytes
)

// Config says where fragments live and how many.
type Config struct {
	Dir        string           // made if missing
	MaxBytes   int64            // DefaultMaxBytes when 0
	MaxStreams int              // DefaultMaxStreams when 0
	Now        func() time.Time // time.Now when nil
	Logger     *slog.Logger
}

// Store keeps streams and fragments. It is safe for concurrent use.
type Store struct {
	cfg Config
	db  *bolt.DB

	mu       sync.Mutex
	bytes    int64
	last     map[string]time.Time     // by ARN: the server time given last
	count    uint64                   // tells fragments of one millisecond apart
	changed  map[string]chan struct{} // by ARN; closed when a fragment comes or the stream goes
	warnedAt time.Time                // when last it was said that the store is full
}

// Open opens the streams in cfg.Dir and removes files that no index entry names.
func Open(cfg Config) (_ *Store, err error) {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.MaxStreams == 0 {
		cfg.MaxStreams = DefaultMaxStreams
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("video streams: %w", err)
	}
	path := filepath.Join(cfg.Dir, "streams.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: 2 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("video streams: open %s (is another local cloud using it?): %w", path, err)
	}
	s := &Store{cfg: cfg, db: db, last: map[string]time.Time{}, changed: map[string]chan struct{}{}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("video streams: %w", err), db.Close())
		}
	}()
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketStreams, bucketFragments, bucketTimes, bucketWork, bucketSecrets} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, s.reconcile()
}

// Close closes the store; commit what is being written first.
func (s *Store) Close() error { return s.db.Close() }

// Bytes tells how much all fragments take.
func (s *Store) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}

// reconcile makes files and index agree after a crash: files that were being
// written or deleted go. It also counts what is there.
func (s *Store) reconcile() error {
	known := map[string]bool{s.db.Path(): true}
	err := s.db.View(func(tx *bolt.Tx) error {
		return eachFragment(tx, func(arn string, f Fragment) {
			known[s.path(arn, f.Number)] = true
			s.bytes += f.Bytes
			if !f.Server.Before(s.last[arn]) {
				s.last[arn] = f.Server.Add(time.Millisecond) // no number is given twice
			}
		})
	})
	if err != nil {
		return err
	}
	removed := 0
	err = filepath.WalkDir(s.cfg.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || known[path] {
			return err
		}
		removed++
		return os.Remove(path)
	})
	if removed > 0 {
		s.cfg.Logger.Info("unfinished fragments removed", "files", removed)
	}
	return err
}

// eachFragment visits every fragment of every stream.
func eachFragment(tx *bolt.Tx, visit func(arn string, f Fragment)) error {
	return tx.Bucket(bucketFragments).ForEachBucket(func(arn []byte) error {
		return tx.Bucket(bucketFragments).Bucket(arn).ForEach(func(_, raw []byte) error {
			var f Fragment
			if err := json.Unmarshal(raw, &f); err != nil {
				return fmt.Errorf("index of %s: %w", arn, err)
			}
			visit(string(arn), f)
			return nil
		})
	})
}

// Changed returns a channel that is closed when the stream next gets a
// fragment, or goes away. Take it before looking, so that nothing is missed.
func (s *Store) Changed(arn string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.changed[arn]
	if !ok {
		c = make(chan struct{})
		s.changed[arn] = c
	}
	return c
}

func (s *Store) announce(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.changed[arn]; ok {
		close(c)
		delete(s.changed, arn)
	}
}
