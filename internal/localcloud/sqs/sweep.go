package sqs

import (
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Sweep removes the messages that have outlived their queue's retention time
// and returns how many; queues nobody reads, dead letters above all, need it.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	removed := 0
	for _, q := range s.queues {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		before, after := 0, 0
		err := s.db.Update(func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(q.name))
			before = b.Stats().KeyN
			return s.walk(tx, q, func(*bolt.Bucket, []byte, record) error { after++; return nil })
		})
		if err != nil {
			return removed, fmt.Errorf("queue %s: %w", q.name, err)
		}
		removed += before - after
	}
	return removed, nil
}
