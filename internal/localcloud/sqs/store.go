package sqs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	bolt "go.etcd.io/bbolt"

	"porchlight/internal/localcloud/awsapi"
)

func errParameter(format string, args ...any) error {
	return &awsapi.Error{Code: "com.amazonaws.sqs#InvalidParameterValue", QueryCode: "InvalidParameterValue",
		Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

func errHandle() error {
	return &awsapi.Error{Code: "com.amazonaws.sqs#ReceiptHandleIsInvalid", QueryCode: "ReceiptHandleIsInvalid",
		Status: http.StatusBadRequest, Message: "the receipt handle is not one of this queue: use the one of the latest receive"}
}

// Send stores a message and returns its id; it is on disk when Send returns.
// The queue is given by ARN, URL or name.
func (s *Service) Send(ctx context.Context, queueARN, body string, attributes map[string]Attribute) (string, error) {
	q, err := s.find(queueARN)
	if err != nil {
		return "", err
	}
	return s.send(ctx, q, "", body, attributes, q.delay)
}

func (s *Service) send(
	ctx context.Context, q *queue, sender, body string, attributes map[string]Attribute, delay time.Duration,
) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	size := len(body)
	for name, a := range attributes {
		size += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	if size == 0 || size > maxBody {
		return "", errParameter("a message has 1 to %d bytes, not %d", maxBody, size)
	}
	now := s.cfg.Now()
	rec := record{
		ID: awsapi.NewRequestID(), Body: body, Attributes: attributes, SentAt: now, VisibleAt: now.Add(delay), Sender: sender,
	}
	err := s.db.Update(func(tx *bolt.Tx) error { return put(tx, q.name, rec) })
	if err != nil {
		return "", fmt.Errorf("queue %s: %w", q.name, err)
	}
	q.wake()
	return rec.ID, nil
}

// put appends a record to a queue.
func put(tx *bolt.Tx, queueName string, rec record) error {
	b := tx.Bucket([]byte(queueName))
	if b == nil {
		return errNoQueue(queueName)
	}
	n, err := b.NextSequence()
	if err != nil {
		return err
	}
	return store(b, sequenceKey(n), rec)
}

func store(b *bolt.Bucket, key []byte, rec record) error {
	raw, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	return b.Put(key, raw)
}

// errStop ends a walk over records early.
var errStop = errors.New("stop")

// walk calls visit for each record that has not outlived the retention time; it removes those that have.
func (s *Service) walk(tx *bolt.Tx, q *queue, visit func(b *bolt.Bucket, key []byte, rec record) error) error {
	b := tx.Bucket([]byte(q.name))
	now := s.cfg.Now()
	var dead [][]byte
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		var rec record
		if err := json.Unmarshal(v, &rec); err != nil {
			return fmt.Errorf("record %x: %w", k, err)
		}
		if now.Sub(rec.SentAt) > q.retention {
			dead = append(dead, bytes.Clone(k))
			continue
		}
		if err := visit(b, bytes.Clone(k), rec); errors.Is(err, errStop) {
			break
		} else if err != nil {
			return err
		}
	}
	if !tx.Writable() {
		return nil
	}
	for _, k := range dead {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// change applies f to the message a receipt handle names; f returns false to delete it.
func (s *Service) change(q *queue, handle string, f func(*record) (keep bool, err error)) error {
	key, id, nonce, ok := decodeHandle(handle)
	if !ok {
		return errHandle()
	}
	err := s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(q.name))
		raw := b.Get(key)
		if raw == nil {
			return nil // already deleted: deleting twice succeeds
		}
		var rec record
		if err := json.Unmarshal(raw, &rec); err != nil {
			return err
		}
		if rec.ID != id {
			return errHandle()
		}
		if rec.Nonce != nonce {
			return nil // received again since: the older handle has no effect
		}
		keep, err := f(&rec)
		if err != nil {
			return err
		}
		if !keep {
			return b.Delete(key)
		}
		return store(b, key, rec)
	})
	q.wake()
	return err
}

// Delete removes a received message for good.
func (s *Service) Delete(_ context.Context, queueARN, receiptHandle string) error {
	q, err := s.find(queueARN)
	if err != nil {
		return err
	}
	return s.change(q, receiptHandle, func(*record) (bool, error) { return false, nil })
}

func (s *Service) purge(q *queue) error {
	return s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(q.name))
		c := b.Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			if err := c.Delete(); err != nil {
				return err
			}
		}
		return nil
	})
}

// counts returns how many messages wait, are in flight and are delayed.
func (s *Service) counts(q *queue) (visible, inFlight, delayed int, err error) {
	now := s.cfg.Now()
	err = s.db.View(func(tx *bolt.Tx) error {
		return s.walk(tx, q, func(_ *bolt.Bucket, _ []byte, rec record) error {
			switch {
			case !rec.VisibleAt.After(now):
				visible++
			case rec.Receives == 0:
				delayed++
			default:
				inFlight++
			}
			return nil
		})
	})
	return visible, inFlight, delayed, err
}
