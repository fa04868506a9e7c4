package spool

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Bounds of what is kept in memory while the disk takes nothing.
const (
	maxOverflow      = 512
	maxOverflowBytes = 8 << 20
)

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
	records := append(s.overflow[:len(s.overflow):len(s.overflow)], &Record{Name: name, Payload: payload, At: s.cfg.Now()})
	err := s.store(records)
	if err == nil {
		if len(s.overflow) > 0 {
			s.cfg.Log.Info("the disk takes records again", "spool", s.cfg.Path, "from_memory", len(s.overflow))
		}
		s.overflow = nil
		return nil
	}
	if lost := tooMany(records); lost > 0 {
		s.cfg.Log.Error("the disk takes nothing and memory is full: the oldest records in memory were dropped", "spool", s.cfg.Path, "dropped", lost)
		s.stats.Full += int64(lost)
		records = records[lost:]
	}
	s.overflow = records
	return fmt.Errorf("spool %s: the disk does not take more, free some space; kept in memory until then: %w", s.cfg.Path, err)
}

// tooMany tells how many of the oldest have to go. The newest stays, however
// large.
func tooMany(records []*Record) (n int) {
	total := 0
	for _, r := range records {
		total += len(r.Name) + len(r.Payload)
	}
	for len(records)-n > 1 && (len(records)-n > maxOverflow || total > maxOverflowBytes) {
		total -= len(records[n].Name) + len(records[n].Payload)
		n++
	}
	return n
}

// store appends records on disk and makes room for them. The lock is held.
func (s *Spool) store(records []*Record) error {
	var stats Stats
	err := s.db.Update(func(tx *bolt.Tx) error {
		stats = s.stats
		b := tx.Bucket(bucket)
		if err := removeUpTo(b, s.sent); err != nil {
			return err
		}
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
			stats.Full++
			if err := c.Delete(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if lost := stats.Full - s.stats.Full; lost > 0 {
		s.cfg.Log.Warn("spool is full, the oldest records were dropped", "spool", s.cfg.Path, "dropped", lost,
			"dropped_in_all", stats.Full, "max_bytes", s.cfg.MaxBytes)
	}
	s.stats, s.sent = stats, nil
	return nil
}

// removeUpTo removes all records up to and including a key; nil: none.
func removeUpTo(b *bolt.Bucket, last []byte) error {
	if last == nil {
		return nil
	}
	c := b.Cursor()
	for k, _ := c.First(); k != nil && bytes.Compare(k, last) <= 0; k, _ = c.First() {
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return nil
}
