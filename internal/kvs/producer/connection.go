package producer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"porchlight/internal/media"
)

// connection is one PutMedia request. One goroutine writes to it; another
// reads the acknowledgements that come meanwhile.
type connection struct {
	id           int64
	video, audio *media.Stream
	last         int64 // the latest time sent, milliseconds since 1970; of the writer

	body    *io.PipeWriter
	cancel  context.CancelCauseFunc
	done    chan struct{} // closed when the request has ended
	err     error         // why, once done; nil after an orderly end
	opened  time.Time
	retire  time.Time    // when it has to be replaced
	writing atomic.Int64 // since when a write is under way, Unix nanoseconds; 0 when none is

	answer    chan struct{} // closed when it is 200
	heard     atomic.Int64  // when the last acknowledgement came that is more than a sign of life, Unix nanoseconds
	persisted atomic.Bool   // at least one fragment
	ending    atomic.Bool   // the body is complete
}

// errRetired ends connections without fault.
var errRetired = errors.New("connection is no longer needed")

// run sends the request and reads acknowledgements until it ends.
func (c *connection) run(transport http.RoundTripper, req *http.Request, handle func(ack) *fault, bad func(error)) {
	defer close(c.done)
	defer c.cancel(errRetired)
	err := c.converse(transport, req, handle, bad)
	if cause := context.Cause(req.Context()); cause != nil {
		err = cause // what we ended it for says more than that it has ended
	}
	var f *fault
	switch {
	case errors.Is(err, errRetired), errors.Is(err, io.EOF) && c.ending.Load():
	case errors.As(err, &f):
		c.err = err
	default:
		c.err = fmt.Errorf("%w: %w", ErrConnection, err)
	}
	// Whoever writes must not wait for a request that is over.
	c.body.CloseWithError(io.ErrClosedPipe)
}

func (c *connection) converse(transport http.RoundTripper, req *http.Request, handle func(ack) *fault, bad func(error)) error {
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return explain(resp)
	}
	close(c.answer)
	acks := newAckReader(resp.Body)
	for {
		data, err := acks.next()
		if err != nil {
			return err
		}
		a, err := parseAck(data)
		if err != nil {
			bad(err) // later ones may be sound
			continue
		}
		if f := handle(a); f != nil {
			return f
		}
	}
}

// answered reports whether the service has taken the request.
func (c *connection) answered() bool {
	select {
	case <-c.answer:
		return true
	default:
		return false
	}
}

// write sends bytes, waiting as long as the other side takes. It fails when
// the connection has ended.
func (c *connection) write(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	c.writing.Store(time.Now().UnixNano())
	defer c.writing.Store(0)
	if _, err := c.body.Write(data); err != nil {
		return c.reason()
	}
	return nil
}

// reason waits for the end and says why.
func (c *connection) reason() error {
	<-c.done
	if c.err == nil {
		return fmt.Errorf("%w: the service ended it", ErrConnection)
	}
	return c.err
}

// abort ends the connection at once and waits for that, so that the next one
// never overlaps it.
func (c *connection) abort(cause error) {
	c.cancel(cause)
	<-c.done
}

// complete ends the body, after which the service sends its last
// acknowledgements and ends the response.
func (c *connection) complete() {
	c.ending.Store(true)
	_ = c.body.Close() // never fails
}

// blocked is how long the write under way has taken.
func (c *connection) blocked(now time.Time) time.Duration {
	since := c.writing.Load()
	if since == 0 {
		return 0
	}
	return now.Sub(time.Unix(0, since))
}
