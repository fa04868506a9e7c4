package lambda

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	queueBucket = "invocations"
	maxSettled  = 256 // done and still on disk: at most so many run again after a kill
	// settleDelay is how long the first of them waits for others to be deleted
	// with it. Without, the disk takes about a sixth of the local cloud's
	// processor time under load.
	settleDelay = 50 * time.Millisecond
)

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
	db      *bolt.DB
	limit   int64
	logger  *slog.Logger
	settled chan *message
	stopped chan struct{}

	mu    sync.Mutex
	bytes int64 // of all payloads
}

func openQueue(path string, limit int64, logger *slog.Logger) (*queue, error) {
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
	q := &queue{db: db, limit: limit, logger: logger, settled: make(chan *message, maxSettled/2), stopped: make(chan struct{})}
	go q.deleteSettled()
	return q, nil
}

// close is called once, when nobody adds or settles any more.
func (q *queue) close() error {
	close(q.settled)
	<-q.stopped
	return q.db.Close()
}

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

// settle has m deleted soon. A kill before that means one more delivery, which
// at-least-once allows; waiting for the disk here would halve the throughput.
func (q *queue) settle(m *message) { q.settled <- m }

func (q *queue) deleteSettled() {
	defer close(q.stopped)
	for m := range q.settled {
		batch := q.gather(m)
		err := q.db.Update(func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(queueBucket))
			for _, m := range batch {
				if err := b.Delete(keyBytes(m.key)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil { // the disk is full, most likely: they come again after a restart
			q.logger.Error("invocations that are done cannot be taken out of the queue", "count", len(batch), "error", err)
			continue
		}
		for _, m := range batch {
			q.release(m)
		}
	}
}

// gather waits for more messages to delete with the first.
func (q *queue) gather(first *message) []*message {
	batch := []*message{first}
	wait := time.NewTimer(settleDelay)
	defer wait.Stop()
	for len(batch) < maxSettled/2 { // the other half may be in the channel
		select {
		case m, open := <-q.settled:
			if !open {
				return batch
			}
			batch = append(batch, m)
		case <-wait.C:
			return batch
		}
	}
	return batch
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
