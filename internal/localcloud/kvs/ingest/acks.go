package ingest

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Event types of acknowledgments.
const (
	Buffering = "BUFFERING"
	Received  = "RECEIVED"
	Persisted = "PERSISTED"
	Failed    = "ERROR"
	Idle      = "IDLE"
)

// Ack is one acknowledgment, a line of JSON.
type Ack struct {
	EventType        string
	FragmentTimecode *int64 `json:",omitempty"` // milliseconds, as the producer counts
	FragmentNumber   string `json:",omitempty"`
	ErrorId          int    `json:",omitempty"` //nolint:revive // the name on the wire
	ErrorCode        string `json:",omitempty"`
}

const (
	// ackQueue bounds acknowledgments on their way; five fragments a second make three each.
	ackQueue = 256
	// ackTimeout is how long a producer may leave an acknowledgment unread.
	ackTimeout = 20 * time.Second
)

// acks writes acknowledgments in order from a goroutine of its own, so that a
// producer that reads slowly, or an injected delay, does not keep it from sending.
type acks struct {
	queue chan delayed
	done  sync.WaitGroup
}

type delayed struct {
	line []byte
	due  time.Time
}

func newAcks(w http.ResponseWriter, rc *http.ResponseController, stop <-chan struct{}) *acks {
	a := &acks{queue: make(chan delayed, ackQueue)}
	a.done.Go(func() {
		broken := false
		for d := range a.queue {
			if broken {
				continue
			}
			if wait := time.Until(d.due); wait > 0 {
				select {
				case <-time.After(wait):
				case <-stop:
					broken = true
					continue
				}
			}
			_ = rc.SetWriteDeadline(time.Now().Add(ackTimeout))
			if _, err := w.Write(d.line); err != nil || rc.Flush() != nil {
				broken = true // the reading side finds out on its own
			}
		}
	})
	return a
}

// send queues an acknowledgment; only a producer that reads none for a long time makes it wait.
func (a *acks) send(ack Ack, delay time.Duration) {
	line, err := json.Marshal(ack)
	if err != nil {
		return // an Ack always marshals
	}
	a.queue <- delayed{append(line, '\n'), time.Now().Add(delay)}
}

// close waits until everything queued is written.
func (a *acks) close() {
	close(a.queue)
	a.done.Wait()
}
