// Package spool keeps what a device has to send until the cloud has taken it:
// in order, across restarts and power cuts, and within a bound of bytes and
// age. What the bound forces out is counted and said.
package spool

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Errors of a spool.
var (
	ErrClosed = errors.New("spool is closed")
	// ErrRefused is wrapped by a send function to say that trying again is
	// of no use: the record is dropped and counted.
	ErrRefused = errors.New("refused for good")
)

// Record is one thing to send.
type Record struct {
	Name    string    `json:"n"` // MQTT topic or object key
	Payload []byte    `json:"p"`
	At      time.Time `json:"t"` // when it was put in
}

// Config of a spool. Path and Log are required.
type Config struct {
	Path     string        // the file
	MaxBytes int64         // of payload and names; the oldest are dropped first; default 64 MiB
	MaxAge   time.Duration // older records are dropped unsent; default 7 days
	Log      *slog.Logger
	Now      func() time.Time // for tests; default time.Now
}

// Stats of a spool.
type Stats struct {
	Depth    int   // records waiting
	Bytes    int64 // their size
	Dropped  int64 // records lost to the bounds or refused, since Open
	InMemory int   // records the disk did not take; a restart would lose them
}

// Spool is safe for concurrent use; one Drain at a time.
type Spool struct {
	cfg  Config
	db   *bolt.DB
	wake chan struct{}

	mu       sync.Mutex
	stats    Stats
	overflow []Record // what the disk did not take
	closed   bool
}

var bucket = []byte("records")

// maxOverflow bounds what is kept in memory while the disk takes nothing.
const maxOverflow = 256

// Open opens or creates the spool at cfg.Path.
func Open(cfg Config) (*Spool, error) {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 64 << 20
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = 7 * 24 * time.Hour
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	db, err := openFile(cfg)
	if err != nil {
		return nil, fmt.Errorf("open spool %s: %w", cfg.Path, err)
	}
	s := &Spool{cfg: cfg, db: db, wake: make(chan struct{}, 1)}
	err = db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(bucket)
		if err != nil {
			return err
		}
		return b.ForEach(func(_, v []byte) error {
			s.stats.Depth++
			s.stats.Bytes += size(v)
			return nil
		})
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open spool %s: %w", cfg.Path, err), db.Close())
	}
	return s, nil
}

// openFile sets a damaged file aside, because a device that starts without what
// waited is better than one that does not start.
func openFile(cfg Config) (*bolt.DB, error) {
	options := &bolt.Options{Timeout: 2 * time.Second}
	db, err := bolt.Open(cfg.Path, 0o600, options)
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("another process uses it: stop that one first: %w", err)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		aside := cfg.Path + ".damaged"
		if err := os.Rename(cfg.Path, aside); err != nil {
			return nil, err
		}
		cfg.Log.Error("spool is damaged and was set aside: what waited in it is not sent", "spool", cfg.Path, "aside", aside, "error", err)
		return bolt.Open(cfg.Path, 0o600, options)
	}
	return db, err
}

// Close leaves what is waiting for the next Open.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.db.Close()
}

// Stats returns the present state.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.InMemory = len(s.overflow)
	stats.Depth += len(s.overflow)
	return stats
}

// Put adds a record at the end. When it returns nil the record is on disk.
// When the disk does not take it, the record is kept in memory, sent in its
// turn all the same, and the error says so.
func (s *Spool) Put(name string, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	defer s.notify()
	records := append(s.overflow[:len(s.overflow):len(s.overflow)], Record{Name: name, Payload: payload, At: s.cfg.Now()})
	err := s.store(records)
	if err == nil {
		s.overflow = nil
		return nil
	}
	if n := len(records) - maxOverflow; n > 0 {
		s.stats.Dropped += int64(n)
		records = records[n:]
	}
	s.overflow = records
	return fmt.Errorf("spool %s: the disk does not take more, free some space; kept in memory until then: %w", s.cfg.Path, err)
}

// store appends records on disk and makes room for them. The lock is held.
func (s *Spool) store(records []Record) error {
	stats := s.stats
	err := s.db.Update(func(tx *bolt.Tx) error {
		stats = s.stats
		b := tx.Bucket(bucket)
		for _, r := range records {
			value, err := json.Marshal(r)
			if err != nil {
				return err
			}
			seq, err := b.NextSequence()
			if err != nil {
				return err
			}
			if err := b.Put(binary.BigEndian.AppendUint64(nil, seq), value); err != nil {
				return err
			}
			stats.Depth++
			stats.Bytes += size(value)
		}
		c := b.Cursor()
		for k, v := c.First(); k != nil && stats.Depth > 1 && stats.Bytes > s.cfg.MaxBytes; k, v = c.First() {
			stats.Depth--
			stats.Bytes -= size(v)
			stats.Dropped++
			if err := c.Delete(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if lost := stats.Dropped - s.stats.Dropped; lost > 0 {
		s.cfg.Log.Warn("spool is full, the oldest records were dropped", "spool", s.cfg.Path, "dropped", lost,
			"dropped_in_all", stats.Dropped, "max_bytes", s.cfg.MaxBytes)
	}
	s.stats = stats
	return nil
}

// Drain sends records in order, each until it is taken, and waits for more.
// It returns when ctx ends or the spool is closed.
func (s *Spool) Drain(ctx context.Context, send func(context.Context, Record) error) error {
	wait := newBackoff()
	for {
		record, done, err := s.oldest()
		if err != nil {
			return err
		}
		if record == nil {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-s.wake:
				continue
			}
		}
		err = send(ctx, *record)
		switch {
		case err == nil:
			wait.reset()
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrRefused):
			s.cfg.Log.Error("record was refused and is dropped", "name", record.Name, "error", err)
			s.countDropped()
		default:
			s.cfg.Log.Warn("cannot send yet, will try again", "name", record.Name, "error", err)
			if err := wait.sleep(ctx); err != nil {
				return err
			}
			continue
		}
		if err := done(); err != nil {
			return err
		}
	}
}

func (s *Spool) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Spool) countDropped() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Dropped++
}

// size of a stored record; the encoding is counted, as it takes the space.
func size(value []byte) int64 { return int64(len(value)) }
