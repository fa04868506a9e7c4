// Package spool keeps what a device has to send until the cloud has taken it:
// in order, across restarts and power cuts, and within a bound of bytes and
// age. What the bound forces out is counted and said; what is refused for good
// is set aside for diagnosis.
package spool

import (
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
	// of no use: the record is set aside and counted.
	ErrRefused = errors.New("refused for good")
	// ErrBusy is wrapped by a send function to say that the other side has
	// taken as much as it can for the moment: the record is tried again soon.
	ErrBusy = errors.New("busy")
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

// Stats of a spool. What is lost is counted since Open.
type Stats struct {
	Depth    int   // records waiting
	Bytes    int64 // their size, as far as they are on disk
	InMemory int   // of these, records the disk did not take; a restart would lose them
	SetAside int   // refused records kept for diagnosis, of whenever

	Dropped int64 // records that will not be sent, for any of these reasons:
	Full    int64 // others needed the room
	Old     int64 // not sent in time
	Refused int64 // refused for good
	Damaged int64 // could not be read back
}

// Spool is safe for concurrent use; one Drain at a time.
type Spool struct {
	cfg  Config
	db   *bolt.DB
	wake chan struct{}

	mu       sync.Mutex
	stats    Stats
	aside    asideState
	overflow []*Record // what the disk did not take
	// sent is the key up to which records are done with, though the disk, being
	// full, did not let go of all of them; nil: there is none.
	sent   []byte
	closed bool
}

var bucket = []byte("records")

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
		if s.aside, err = openAside(tx); err != nil {
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

// Close leaves what is waiting for the next Open, except what the disk still
// does not take.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	if len(s.overflow) > 0 {
		if err := s.store(s.overflow); err != nil {
			s.cfg.Log.Error("records that only memory holds are lost: the disk does not take them", "spool", s.cfg.Path,
				"lost", len(s.overflow), "error", err)
		}
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
	stats.SetAside = s.aside.count
	stats.Dropped = stats.Full + stats.Old + stats.Refused + stats.Damaged
	return stats
}

func (s *Spool) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// size of a stored record; the encoding is counted, as it takes the space.
func size(value []byte) int64 { return int64(len(value)) }
