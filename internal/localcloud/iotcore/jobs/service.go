package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Config of the jobs. All fields are required except those with a
// default.
type Config struct {
	Path  string // the database file, made if missing
	Known func(thing string) bool
	ARN   func(kind, name string) string
	// Publish hands a message to those who subscribe to its topic. It must not
	// wait for them, nor call the service.
	Publish func(topic string, payload []byte, qos byte)
	MaxJobs int              // that are stored; 1000 when 0
	Now     func() time.Time // time.Now when nil
	Log     *slog.Logger
}

// Service keeps jobs. It is safe for concurrent use.
type Service struct {
	cfg Config
	db  *bolt.DB

	mu      sync.Mutex       // held from a change until it is published
	watched map[string]int64 // deadlines of pending executions by key, 0 for none
}

// Open opens the stored jobs. Close must be called.
func Open(cfg Config) (*Service, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MaxJobs == 0 {
		cfg.MaxJobs = defaultMaxJobs
	}
	db, err := openStore(cfg.Path)
	if err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, db: db, watched: map[string]int64{}}
	err = s.view(func(r *records) error {
		return r.bucket(executionRecords).ForEach(func(key, raw []byte) error {
			e, err := parse[execution](raw, "execution")
			if err == nil && e.pending() {
				s.watched[string(key)] = e.deadline()
			}
			return err
		})
	})
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return s, nil
}

// Close closes the database.
func (s *Service) Close() error { return s.db.Close() }

// view reads in one transaction.
func (s *Service) view(fn func(*records) error) error {
	return s.db.View(func(tx *bolt.Tx) error { return fn(&records{tx, s.cfg.Now().Unix()}) })
}

// sweepEvery is how exact timeouts are; AWS promises a minute.
const sweepEvery = 10 * time.Second

// Run ends executions whose time is up until ctx ends.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.Sweep(); err != nil {
			s.cfg.Log.Error("job executions that timed out stay as they are", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sweep ends executions whose time is up (TIMED_OUT) and those of things that
// are not registered any more (REMOVED).
func (s *Service) Sweep() error {
	s.mu.Lock()
	now := s.cfg.Now().Unix()
	due := map[string]string{}
	for key, deadline := range s.watched {
		thing, _ := splitKey(key)
		if !s.cfg.Known(thing) {
			due[key] = removed
		} else if deadline != 0 && deadline <= now {
			due[key] = timedOut
		}
	}
	s.mu.Unlock()
	if len(due) == 0 {
		return nil
	}
	return s.change(func(c *change) error {
		for key, status := range due {
			e, err := c.execution(splitKey(key))
			var gone *Error
			if errors.As(err, &gone) {
				continue // it was deleted in the meantime
			}
			if err != nil {
				return err
			}
			if !e.pending() || status == timedOut && (e.deadline() == 0 || e.deadline() > c.now) {
				continue // it was changed in the meantime
			}
			if err := c.end(&e, status); err != nil {
				return err
			}
			if err := c.settle(e.JobID); err != nil {
				return err
			}
		}
		return nil
	})
}
