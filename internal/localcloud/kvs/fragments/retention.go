package fragments

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// sweepBatch bounds one transaction, so that uploads are not kept waiting.
const sweepBatch = 500

// Sweep removes fragments whose retention has ended and tells how many.
func (s *Store) Sweep() (removed int, err error) {
	for {
		n, err := s.sweepOnce()
		removed += n
		if err != nil || n < sweepBatch {
			return removed, err
		}
	}
}

func (s *Store) sweepOnce() (int, error) {
	now := s.cfg.Now()
	return s.drop(func(tx *bolt.Tx) (gone []owned, err error) {
		return gone, tx.Bucket(bucketStreams).ForEach(func(_, raw []byte) error {
			var stream Stream
			if err := json.Unmarshal(raw, &stream); err != nil {
				return err
			}
			expired := stream.oldest(now)
			c := tx.Bucket(bucketFragments).Bucket([]byte(stream.ARN)).Cursor()
			for k, raw := c.First(); k != nil && len(gone) < sweepBatch; k, raw = c.Next() {
				var f Fragment
				if err := json.Unmarshal(raw, &f); err != nil {
					return err
				}
				// What came before the stream got its retention goes like the rest of its time.
				if !f.Server.Before(expired) && (f.Kept || !f.Server.Before(now.Add(-keptWithoutRetention))) {
					break
				}
				gone = append(gone, owned{stream.ARN, f})
			}
			return nil
		})
	})
}

// added counts new bytes and makes room when there are too many.
func (s *Store) added(n int64) {
	s.mu.Lock()
	s.bytes += n
	over := s.bytes - s.cfg.MaxBytes
	s.mu.Unlock()
	if over <= 0 {
		return
	}
	removed, err := s.drop(func(tx *bolt.Tx) ([]owned, error) { return oldestOf(tx, over+s.cfg.MaxBytes/100) })
	if err != nil {
		s.cfg.Logger.Error("no room could be made for video", "err", err)
		return
	}
	s.mu.Lock()
	say := s.cfg.Now().Sub(s.warnedAt) > time.Minute
	if say {
		s.warnedAt = s.cfg.Now()
	}
	s.mu.Unlock()
	if say {
		s.cfg.Logger.Warn("video storage is full: the oldest fragments went before their retention ended; "+
			"shorten the retention of streams or allow more", "max_bytes", s.cfg.MaxBytes, "removed", removed)
	}
}

// oldestOf picks the oldest fragments of all streams that together have at least n bytes.
func oldestOf(tx *bolt.Tx, n int64) (gone []owned, err error) {
	type position struct {
		arn    string
		cursor *bolt.Cursor
		key    []byte
		raw    []byte
	}
	var heads []*position
	err = tx.Bucket(bucketFragments).ForEachBucket(func(arn []byte) error {
		p := &position{arn: string(arn), cursor: tx.Bucket(bucketFragments).Bucket(arn).Cursor()}
		if p.key, p.raw = p.cursor.First(); p.key != nil {
			heads = append(heads, p)
		}
		return nil
	})
	for err == nil && n > 0 {
		var first *position
		for _, p := range heads {
			if p.key != nil && (first == nil || string(p.key) < string(first.key)) {
				first = p
			}
		}
		if first == nil {
			break
		}
		var f Fragment
		if err = json.Unmarshal(first.raw, &f); err == nil {
			gone = append(gone, owned{first.arn, f})
			n -= f.Bytes
			first.key, first.raw = first.cursor.Next()
		}
	}
	return gone, err
}

// owned is a fragment with its stream.
type owned struct {
	arn string
	Fragment
}

// drop removes what pick selects: first from the index, then the files, which
// Open removes after a crash in between.
func (s *Store) drop(pick func(*bolt.Tx) ([]owned, error)) (int, error) {
	var gone []owned
	err := s.db.Update(func(tx *bolt.Tx) (err error) {
		if gone, err = pick(tx); err != nil {
			return err
		}
		for _, f := range gone {
			arn := []byte(f.arn)
			err := errors.Join(tx.Bucket(bucketFragments).Bucket(arn).Delete([]byte(f.Number)),
				tx.Bucket(bucketTimes).Bucket(arn).Delete(timeKey(f.Producer, f.Number)),
				tx.Bucket(bucketWork).Delete([]byte(f.arn+" "+f.Number)))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("video streams: %w", err)
	}
	var errs []error
	for _, f := range gone {
		s.mu.Lock()
		s.bytes -= f.Bytes
		s.mu.Unlock()
		errs = append(errs, remove(s.path(f.arn, f.Number)))
	}
	return len(gone), errors.Join(errs...)
}
