package ingest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/mkv"
)

// connection is one PutMedia.
type connection struct {
	server *Server
	stream fragments.Stream
	start  time.Time // what timecodes count from
	by     string
	vars   map[string]string

	rc       *http.ResponseController
	acks     *acks
	quit     chan struct{} // closed when it is over
	lastRead atomic.Int64  // Unix nanoseconds
	cause    atomic.Pointer[error]

	fragment // the one being sent
	rules
}

// drainFor is how long a producer has to take notice of an error before the
// connection goes: closing at once would lose the acknowledgment on its way.
const drainFor = time.Second

func (c *connection) serve(w http.ResponseWriter, r *http.Request) {
	c.rc = http.NewResponseController(w)
	if err := errors.Join(c.rc.EnableFullDuplex(), c.rc.SetReadDeadline(time.Time{})); err != nil {
		c.server.cfg.Logger.Error("PutMedia needs HTTP/1.1", "err", err)
		return
	}
	w.Header().Set("Connection", "close")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	if err := c.rc.Flush(); err != nil {
		return
	}
	c.lastRead.Store(time.Now().UnixNano())
	c.acks = newAcks(w, c.rc, c.server.stopping)
	var watch sync.WaitGroup
	watch.Go(c.watch)
	err := c.read(r.Body)
	c.abandon()
	var rejected *ackError
	if errors.As(err, &rejected) {
		c.ack(Ack{EventType: Failed, ErrorId: rejected.id, ErrorCode: errorCode(rejected.id)})
	}
	close(c.quit)
	watch.Wait()
	c.acks.close()
	if err == nil {
		return
	}
	c.server.cfg.Logger.Warn("upload ended early", "stream", c.stream.Name, "err", err)
	if rejected != nil {
		c.server.release(c) // the producer may come back at once
		_ = c.rc.SetReadDeadline(time.Now().Add(drainFor))
		_, _ = io.Copy(io.Discard, r.Body)
	}
	_ = c.rc.SetReadDeadline(time.Now()) // net/http would wait for the rest
	if errors.Is(err, errCut) {
		panic(http.ErrAbortHandler) // the documented way to break a connection off
	}
}

// read takes the body apart until it ends.
func (c *connection) read(body io.Reader) error {
	in := mkv.NewReader(reads{c, body}, int(c.server.cfg.Limits.FragmentBytes))
	for {
		event, err := in.Next()
		if cause := c.cause.Load(); cause != nil {
			return *cause
		}
		switch {
		case errors.Is(err, io.EOF):
			return c.settle()
		case errors.Is(err, mkv.ErrTooLarge):
			return reject(FragmentTooLarge, "%w", err)
		case errors.Is(err, mkv.ErrInvalid), errors.Is(err, io.ErrUnexpectedEOF) && c.ended:
			return reject(InvalidMatroska, "%w", err)
		case err != nil:
			return reject(StreamReadError, "%w", err)
		}
		if err := c.take(event); err != nil {
			return err
		}
	}
}

// reads notes when data arrives and ends when the connection is interrupted.
type reads struct {
	*connection
	body io.Reader
}

func (r reads) Read(p []byte) (int, error) {
	if cause := r.cause.Load(); cause != nil {
		return 0, *cause
	}
	n, err := r.body.Read(p)
	if n > 0 {
		r.lastRead.Store(time.Now().UnixNano())
	}
	r.ended = errors.Is(err, io.EOF)
	return n, err
}

// watch interrupts the connection when its time is over and tells of idleness.
func (c *connection) watch() {
	limits := c.server.cfg.Limits
	end, idle := time.NewTimer(limits.Connection), time.NewTimer(limits.IdleAck)
	defer end.Stop()
	defer idle.Stop()
	for {
		changed := c.server.cfg.Store.Changed(c.stream.ARN)
		if _, err := c.server.cfg.Store.Stream(c.stream.ARN); errors.Is(err, fragments.ErrNoStream) {
			c.interrupt(reject(StreamNotActive, "the stream was deleted"))
			return
		}
		select {
		case <-c.quit:
			return
		case <-c.server.stopping:
			c.interrupt(errStopping)
			return
		case <-end.C:
			c.interrupt(reject(ConnectionTooOld, "it was open for %s", limits.Connection))
			return
		case <-changed:
		case <-idle.C:
			quiet := time.Since(time.Unix(0, c.lastRead.Load()))
			switch {
			case quiet >= limits.Idle:
				c.interrupt(fmt.Errorf("%w: %s", errIdle, limits.Idle))
				return
			case quiet >= limits.IdleAck:
				c.ack(Ack{EventType: Idle})
				idle.Reset(min(limits.IdleAck, limits.Idle-quiet))
			default:
				idle.Reset(limits.IdleAck - quiet)
			}
		}
	}
}

// interrupt ends the connection for a reason. A producer that is sending is
// met at the next read; one that is silent, a moment later.
func (c *connection) interrupt(cause error) {
	c.cause.CompareAndSwap(nil, &cause)
	_ = c.rc.SetReadDeadline(time.Now().Add(drainFor / 4))
}
