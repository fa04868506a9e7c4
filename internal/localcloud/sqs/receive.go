package sqs

import (
	"bytes"
	"context"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"porchlight/internal/localcloud/awsapi"
)

// ReceiveOptions tune a receive; zero values mean one message and the queue's own times.
type ReceiveOptions struct {
	Max        int            // 1 to 10
	Wait       *time.Duration // how long to wait for a message, at most 20 s
	Visibility *time.Duration // how long others do not see what is returned
}

// Receive returns messages, waiting for the first as long as asked. A message
// received more often than the queue's redrive policy allows goes to the
// dead-letter queue instead. The queue is given by ARN, URL or name.
func (s *Service) Receive(ctx context.Context, queueARN string, o ReceiveOptions) ([]Message, error) {
	q, err := s.find(queueARN)
	if err != nil {
		return nil, err
	}
	limit, wait, visibility := max(o.Max, 1), q.wait, q.visibility
	if o.Wait != nil {
		wait = *o.Wait
	}
	if o.Visibility != nil {
		visibility = *o.Visibility
	}
	if limit > maxBatch || wait < 0 || wait > maxWait || visibility < 0 || visibility > maxVisibility {
		return nil, errParameter("receive 1 to %d messages, wait 0 to %s, hide 0 to %s", maxBatch, maxWait, maxVisibility)
	}
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		arrived := q.next() // before looking, so that nothing slips between
		out, soonest, err := s.take(q, limit, visibility)
		if err != nil || len(out) > 0 || wait == 0 {
			return out, err
		}
		again := time.NewTimer(soonest)
		select {
		case <-ctx.Done():
			again.Stop()
			return nil, ctx.Err()
		case <-deadline.C:
			again.Stop()
			return nil, nil
		case <-arrived:
		case <-again.C:
		}
		again.Stop()
	}
}

// take receives what is receivable now; soonest is how long until a hidden message shows.
func (s *Service) take(q *queue, limit int, visibility time.Duration) (out []Message, soonest time.Duration, err error) {
	soonest = maxWait
	now := s.cfg.Now()
	pending := false // look first: a poll of an empty queue writes nothing
	err = s.db.View(func(tx *bolt.Tx) error {
		return s.walk(tx, q, func(_ *bolt.Bucket, _ []byte, rec record) error {
			if rec.VisibleAt.After(now) {
				soonest = min(soonest, max(rec.VisibleAt.Sub(now), time.Millisecond))
				return nil
			}
			pending = true
			return errStop
		})
	})
	if err != nil || !pending {
		return nil, soonest, err
	}
	var redriven []record
	var moved [][]byte
	err = s.db.Update(func(tx *bolt.Tx) error {
		out, redriven, moved = nil, nil, nil
		type update struct {
			key []byte
			rec record
		}
		var updates []update
		err := s.walk(tx, q, func(_ *bolt.Bucket, key []byte, rec record) error {
			if rec.VisibleAt.After(now) {
				return nil
			}
			if q.deadLetter != "" && rec.Receives >= q.maxReceives {
				redriven, moved = append(redriven, rec), append(moved, bytes.Clone(key))
				return nil
			}
			rec.Receives++
			rec.VisibleAt = now.Add(visibility)
			rec.Nonce = awsapi.NewRequestID()[:8]
			if rec.FirstAt.IsZero() {
				rec.FirstAt = now
			}
			updates = append(updates, update{key, rec})
			out = append(out, Message{ID: rec.ID, ReceiptHandle: encodeHandle(key, rec.ID, rec.Nonce), Body: rec.Body,
				Attributes: rec.Attributes, SentAt: rec.SentAt, FirstReceived: rec.FirstAt, Receives: rec.Receives,
				SenderID: rec.senderID(q.arn)})
			if len(out) == limit {
				return errStop
			}
			return nil
		})
		if err != nil {
			return err
		}
		b := tx.Bucket([]byte(q.name))
		for _, u := range updates {
			if err := store(b, u.key, u.rec); err != nil {
				return err
			}
		}
		return s.redrive(tx, q, redriven, moved)
	})
	if err != nil {
		return nil, soonest, fmt.Errorf("queue %s: %w", q.name, err)
	}
	if dlq := s.queues[q.deadLetter]; dlq != nil && len(redriven) > 0 {
		dlq.wake()
	}
	return out, soonest, nil
}

// redrive moves records to the dead-letter queue within one transaction.
func (s *Service) redrive(tx *bolt.Tx, q *queue, records []record, keys [][]byte) error {
	b := tx.Bucket([]byte(q.name))
	for i, rec := range records {
		if err := b.Delete(keys[i]); err != nil {
			return err
		}
		rec.Source, rec.Nonce, rec.VisibleAt = q.arn, "", s.cfg.Now()
		if err := put(tx, q.deadLetter, rec); err != nil {
			return err
		}
	}
	return nil
}
