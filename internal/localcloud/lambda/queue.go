package lambda

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const queueBucket = "invocations"

// message is one asynchronous invocation that is not yet settled.
type message struct {
	key       uint64
	RequestID string          `json:"request_id"`
	Function  string          `json:"function"`
	Payload   json.RawMessage `json:"payload"`
	Accepted  time.Time       `json:"accepted"`
	NotBefore time.Time       `json:"not_before"`
	Attempts  int             `json:"attempts"`
	// Failed is the on-failure record once the retries are over and only its
	// delivery is outstanding.
	Failed json.RawMessage `json:"failed,omitempty"`

	systemFailures int // not the function's; forgotten on restart
}

// queue keeps messages in one bbolt file. Concurrent writers share an fsync.
type queue struct {
	db    *bolt.DB
	limit int64

	mu    sync.Mutex
	bytes int64 // of all payloads
}

func openQueue(path string, limit int64) (*queue, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		if err == bolterrors.ErrTimeout { //nolint:errorlint // bbolt returns it bare
			return nil, fmt.Errorf("queue %s is in use by another process, stop that one first: %w", path, err)
		}
		return nil, fmt.Errorf("queue %s cannot be opened; it holds undelivered invocations, move it away to start without them: %w", path, err)
	}
	// The first of several writers waits as long for the others to join.
	db.MaxBatchDelay = time.Millisecond
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists([]byte(queueBucket))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("queue %s: %w", path, err)
	}
	return &queue{db: db, limit: limit}, nil
}

func (q *queue) close() error { return q.db.Close() }

// load calls f with every message, oldest first. It is called once.
func (q *queue) load(f func(m *message)) error {
	return q.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(queueBucket)).ForEach(func(k, v []byte) error {
			m := &message{key: binary.BigEndian.Uint64(k)}
			if err := json.Unmarshal(v, m); err != nil {
				return fmt.Errorf("message %d in the queue: %w", m.key, err)
			}
			q.bytes += int64(len(m.Payload))
			f(m)
			return nil
		})
	})
}

// add returns once m is on disk, and gives it its key.
func (q *queue) add(m *message) error {
	if !q.reserve(int64(len(m.Payload))) {
		return fmt.Errorf("%w: more than %d bytes are waiting, see the log for what fails", ErrQueueFull, q.limit)
	}
	err := q.db.Batch(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(queueBucket))
		key, err := b.NextSequence()
		if err != nil {
			return err
		}
		m.key = key
		return put(b, m)
	})
	if err != nil {
		q.release(m)
		return fmt.Errorf("queue an invocation of %s: %w", m.Function, err)
	}
	return nil
}

// update writes m again, under its key.
func (q *queue) update(m *message) error {
	return q.db.Batch(func(tx *bolt.Tx) error { return put(tx.Bucket([]byte(queueBucket)), m) })
}

func (q *queue) remove(m *message) error {
	err := q.db.Batch(func(tx *bolt.Tx) error { return tx.Bucket([]byte(queueBucket)).Delete(keyBytes(m.key)) })
	if err == nil {
		q.release(m)
	}
	return err
}

func put(b *bolt.Bucket, m *message) error {
	v, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return b.Put(keyBytes(m.key), v)
}

func keyBytes(key uint64) []byte { return binary.BigEndian.AppendUint64(nil, key) }

func (q *queue) reserve(n int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes+n > q.limit {
		return false
	}
	q.bytes += n
	return true
}

func (q *queue) release(m *message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= int64(len(m.Payload))
}
