package greengrass

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"
	"time"

	"porchlight/internal/greengrass/wire"
)

// How long the nucleus may take, to answer the connect request and to take a frame.
const (
	handshakeTimeout = 10 * time.Second
	writeTimeout     = 10 * time.Second
)

// errStreamsSpent ends a connection whose stream ids are used up, after two
// billion calls; the next connection starts at one again.
var errStreamsSpent = errors.New("all stream ids of the connection are used")

// receiver takes the messages of one stream. Its methods must not block.
type receiver interface {
	// deliver takes a message and says whether more are expected. Only the
	// goroutine that reads calls it.
	deliver(m wire.Message) bool
	// lost says, once, that the connection broke. Any goroutine may call it.
	lost(err error)
}

// session is one connection, from the handshake to its end.
type session struct {
	conn  net.Conn
	limit int

	turn   chan struct{} // holds one token: whoever has it may write
	next   int32         // the next stream id; turn guards it
	pongs  chan wire.Message
	closed chan struct{}

	mu      sync.Mutex
	streams map[int32]receiver
	pings   map[string]chan struct{} // by payload
	pinged  uint64
	err     error // why it ended
}

// newSession takes over conn, on which the handshake is done.
func newSession(conn net.Conn, limit int) *session {
	return &session{
		conn: conn, limit: limit, turn: make(chan struct{}, 1), next: 1,
		pongs: make(chan wire.Message, 4), closed: make(chan struct{}), streams: map[int32]receiver{}, pings: map[string]chan struct{}{},
	}
}

// serve reads until the connection ends and says why it did.
func (s *session) serve() error {
	var writer sync.WaitGroup
	writer.Go(s.answerPings)
	for {
		m, err := wire.Read(s.conn, wire.JavaLimit)
		if err == nil {
			err = s.dispatch(m)
		}
		if err != nil {
			s.fail(err)
			writer.Wait()
			return s.reason()
		}
	}
}

func (s *session) dispatch(m wire.Message) error {
	if m.Stream == 0 {
		return s.about(m)
	}
	s.mu.Lock()
	r := s.streams[m.Stream]
	s.mu.Unlock()
	// A stream that is not known was given up here, while its answer was on the way.
	if r != nil && (!r.deliver(m) || m.Terminates()) {
		s.forget(m.Stream)
	}
	return nil
}

// open sends the first message of a new stream, whose messages go to r.
func (s *session) open(ctx context.Context, m wire.Message, r receiver) (int32, error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.unlock()
	if s.next == math.MaxInt32 {
		s.fail(errStreamsSpent)
		return 0, s.reason()
	}
	m.Stream = s.next
	frame, err := wire.Append(nil, m, s.limit)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return 0, s.reason()
	}
	s.streams[m.Stream] = r
	s.mu.Unlock()
	// The number counts as used once a byte of it may have been sent.
	s.next++
	return m.Stream, s.put(frame)
}

// write sends a message of a stream that exists, or about the connection.
func (s *session) write(ctx context.Context, m wire.Message) error {
	frame, err := wire.Append(nil, m, s.limit)
	if err != nil {
		return err
	}
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	return s.put(frame)
}

// put writes a frame. Half a frame cannot be taken back, so a failure ends the
// connection. The turn is held.
func (s *session) put(frame []byte) error {
	err := s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		_, err = s.conn.Write(frame)
	}
	if err != nil {
		s.fail(err)
		return s.reason()
	}
	return nil
}

// terminate ends a stream from this side. It is a courtesy to the nucleus.
// It is sent even if ctx has ended, for that may be the reason.
func (s *session) terminate(ctx context.Context, stream int32) {
	s.forget(stream)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	_ = s.write(ctx, wire.Message{Flags: wire.TerminateStream, Stream: stream}) // a failure has ended the connection, and the stream with it
}

func (s *session) forget(stream int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, stream)
}

// lock takes the turn to write.
func (s *session) lock(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
	case <-s.closed:
		return s.reason()
	case <-ctx.Done():
		return ctx.Err()
	}
	// With several ways open one is taken at random.
	if err := ctx.Err(); err != nil {
		s.unlock()
		return err
	}
	return nil
}

func (s *session) unlock() { <-s.turn }

// fail ends the connection; the first reason stays.
func (s *session) fail(err error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = fmt.Errorf("%w: %w", ErrDisconnected, err)
	streams := s.streams
	s.streams = map[int32]receiver{}
	s.mu.Unlock()
	close(s.closed)
	s.conn.Close()
	for _, r := range streams {
		r.lost(s.reason())
	}
}

func (s *session) reason() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
