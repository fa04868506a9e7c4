package spool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

var errDamaged = errors.New("damaged record")

// earliest is when a record can have been made at the soonest.
var earliest = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// place is where a record is: on disk under a key, or in memory.
type place struct {
	key    []byte
	size   int64
	record *Record
}

// oldest returns the record to send next, or nil when nothing waits. Records
// that are too old are dropped on the way, one at a time, so that a Put need not
// wait for all of them.
func (s *Spool) oldest() (*place, error) {
	tooOld := 0
	for {
		p, old, err := s.step()
		if old {
			tooOld++
			continue
		}
		if tooOld > 0 {
			s.cfg.Log.Warn("records were too old and were dropped", "spool", s.cfg.Path, "dropped", tooOld, "max_age", s.cfg.MaxAge)
		}
		if !errors.Is(err, errDamaged) {
			return p, err
		}
		// It would hold up all that came after it, for ever.
		s.cfg.Log.Error("record is damaged and was dropped", "spool", s.cfg.Path, "error", err)
		tooOld = 0
	}
}

// step looks at one record and drops it when it is damaged or too old.
func (s *Spool) step() (p *place, old bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, ErrClosed
	}
	p, err = s.first()
	switch {
	case errors.Is(err, errDamaged):
		s.stats.Damaged++
	case err != nil || p == nil:
		return nil, false, err
	// A device without a clock of its own boots in 1970: the age of what it
	// recorded before it learned the time is not known, and not old.
	case p.record.At.Before(earliest) || s.cfg.Now().Sub(p.record.At) <= s.cfg.MaxAge:
		return p, false, nil
	default:
		s.stats.Old++
		old = true
	}
	s.leave(p)
	return nil, old, err
}

// first looks on the disk, then in memory: what is in memory came later. The
// lock is held.
func (s *Spool) first() (*place, error) {
	var found *place
	err := s.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucket).Cursor()
		k, v := c.First()
		if s.sent != nil {
			if k, v = c.Seek(s.sent); bytes.Equal(k, s.sent) {
				k, v = c.Next()
			}
		}
		if k == nil {
			return nil
		}
		found = &place{key: bytes.Clone(k), size: size(v), record: &Record{}}
		if err := json.Unmarshal(v, found.record); err != nil {
			return fmt.Errorf("%w: %x: %w", errDamaged, k, err)
		}
		return nil
	})
	if err == nil && found == nil && len(s.overflow) > 0 {
		found = &place{record: s.overflow[0]}
	}
	return found, err
}

// leave is done with a record: it is removed, after what else is to be written
// at the same time. A disk that is full may let go of nothing either: then it is
// remembered, until there is space, how far the sending is. It reports whether
// all was written. The lock is held.
func (s *Spool) leave(p *place, also ...func(tx *bolt.Tx) error) bool {
	there, err := false, error(nil)
	write := func(tx *bolt.Tx) error {
		b := tx.Bucket(bucket)
		there = p.key != nil && b.Get(p.key) != nil // the bound may have dropped it while it was sent
		if err := removeUpTo(b, p.key); err != nil {
			return err
		}
		for _, more := range also {
			if err := more(tx); err != nil {
				return err
			}
		}
		return nil
	}
	if p.key != nil || also != nil {
		err = s.db.Update(write)
	}
	if there {
		s.stats.Depth--
		s.stats.Bytes -= p.size
	}
	switch {
	case p.key == nil:
		// A Put may have moved what was in memory to the disk meanwhile; then
		// the record is sent once more, which consumers bear.
		if len(s.overflow) > 0 && s.overflow[0] == p.record {
			s.overflow = s.overflow[1:]
		}
	case err == nil:
		s.sent = nil
	default:
		if s.sent == nil {
			s.cfg.Log.Error("the disk does not take that a record is done with, free some space; a restart would send it again",
				"spool", s.cfg.Path, "error", err)
		}
		s.sent = p.key
	}
	return err == nil
}
