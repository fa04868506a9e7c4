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

// oldest returns the record to send next and a function that removes it, or
// nil when nothing waits. Records that are too old are dropped on the way.
func (s *Spool) oldest() (*Record, func() error, error) {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil, nil, ErrClosed
		}
		key, record, err := s.first()
		s.mu.Unlock()
		done := func() error { return s.remove(key, record) }
		if errors.Is(err, errDamaged) {
			// It would hold up all that came after it, for ever.
			s.cfg.Log.Error("record is damaged and is dropped", "spool", s.cfg.Path, "error", err)
			s.countDropped()
			if err := done(); err != nil {
				return nil, nil, err
			}
			continue
		}
		if err != nil || record == nil {
			return nil, nil, err
		}
		// A device without a clock of its own boots in 1970: the age of what it
		// recorded before it learned the time is not known, and not old.
		if record.At.Before(earliest) || s.cfg.Now().Sub(record.At) <= s.cfg.MaxAge {
			return record, done, nil
		}
		s.cfg.Log.Warn("record is too old and is dropped", "name", record.Name, "at", record.At, "max_age", s.cfg.MaxAge)
		s.countDropped()
		if err := done(); err != nil {
			return nil, nil, err
		}
	}
}

// first looks on the disk, then in memory: what is in memory came later. A
// record in memory has a nil key.
func (s *Spool) first() (key []byte, record *Record, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		k, v := tx.Bucket(bucket).Cursor().First()
		if k == nil {
			return nil
		}
		record, key = &Record{}, bytes.Clone(k)
		if err := json.Unmarshal(v, record); err != nil {
			return fmt.Errorf("%w: %x: %w", errDamaged, k, err)
		}
		return nil
	})
	if err == nil && record == nil && len(s.overflow) > 0 {
		record = &s.overflow[0]
	}
	return key, record, err
}

func (s *Spool) remove(key []byte, record *Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if key == nil {
		// A Put may have moved what was in memory to the disk meanwhile; then
		// the record is sent once more, which consumers bear.
		if len(s.overflow) > 0 && &s.overflow[0] == record {
			s.overflow = s.overflow[1:]
		}
		return nil
	}
	var freed int64
	removed := false
	err := s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucket)
		v := b.Get(key)
		removed = v != nil // the bound may have dropped it while it was sent
		freed = size(v)
		return b.Delete(key)
	})
	if err != nil {
		return fmt.Errorf("spool %s: remove what was sent: %w", s.cfg.Path, err)
	}
	if removed {
		s.stats.Depth--
		s.stats.Bytes -= freed
	}
	return nil
}
