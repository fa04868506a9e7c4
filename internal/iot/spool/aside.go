package spool

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// SetAside is a record that was refused for good.
type SetAside struct {
	Record
	Reason string    `json:"r"`
	Since  time.Time `json:"s"` // when it was refused
}

// Bounds of what is set aside; the oldest go first.
const (
	maxAside      = 100
	maxAsideBytes = 1 << 20 // and no more than a quarter of the spool's bound
	maxReason     = 500     // bytes
)

var asideBucket = []byte("refused")

// asideState is how much is set aside.
type asideState struct {
	count int
	bytes int64
}

func openAside(tx *bolt.Tx) (state asideState, err error) {
	b, err := tx.CreateBucketIfNotExists(asideBucket)
	if err != nil {
		return state, err
	}
	err = b.ForEach(func(_, v []byte) error {
		state.count++
		state.bytes += size(v)
		return nil
	})
	return state, err
}

// setAside moves a record out of the way, in one step.
func (s *Spool) setAside(p *place, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.stats.Refused++
	text := reason.Error()
	value, err := json.Marshal(SetAside{Record: *p.record, Reason: text[:min(len(text), maxReason)], Since: s.cfg.Now()})
	if err != nil { // never: it came from JSON
		value = []byte("{}")
	}
	var state asideState
	if s.leave(p, func(tx *bolt.Tx) (err error) { state, err = s.keepAside(tx, value); return err }) {
		s.aside = state
	} else {
		s.cfg.Log.Error("what was refused could not be set aside and is dropped", "spool", s.cfg.Path, "name", p.record.Name)
	}
}

// keepAside writes one, and drops the oldest that have no room.
func (s *Spool) keepAside(tx *bolt.Tx, value []byte) (asideState, error) {
	state := s.aside
	b := tx.Bucket(asideBucket)
	seq, err := b.NextSequence()
	if err != nil {
		return state, err
	}
	if err := b.Put(binary.BigEndian.AppendUint64(nil, seq), value); err != nil {
		return state, err
	}
	state.count++
	state.bytes += size(value)
	c := b.Cursor()
	for k, v := c.First(); k != nil && (state.count > maxAside || state.bytes > min(maxAsideBytes, s.cfg.MaxBytes/4)); k, v = c.First() {
		state.count--
		state.bytes -= size(v)
		if err := c.Delete(); err != nil {
			return state, err
		}
	}
	return state, nil
}

// Refused returns what is set aside, the oldest first. It is for people who
// look for the cause: nothing sends it.
func (s *Spool) Refused() ([]SetAside, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	var all []SetAside
	err := s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(asideBucket).ForEach(func(k, v []byte) error {
			var one SetAside
			if err := json.Unmarshal(bytes.Clone(v), &one); err != nil {
				return nil //nolint:nilerr // one that cannot be read must not hide the others
			}
			all = append(all, one)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("spool %s: read what is set aside: %w", s.cfg.Path, err)
	}
	return all, nil
}
