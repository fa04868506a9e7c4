package greengrass

import (
	"context"
	"strconv"

	"porchlight/internal/greengrass/wire"
)

// about handles a message about the connection.
func (s *session) about(m wire.Message) error {
	switch m.Type {
	case wire.Ping:
		select {
		case s.pongs <- m.Pong():
		default: // more pings than anyone needs answered
		}
	case wire.PingResponse:
		s.mu.Lock()
		defer s.mu.Unlock()
		if answered := s.pings[string(m.Payload)]; answered != nil {
			close(answered)
			delete(s.pings, string(m.Payload))
		}
	case wire.ProtocolError, wire.InternalError:
		return answerError("connection", m)
	}
	return nil
}

// answerPings writes apart from the goroutine that reads: were that one to wait for the
// nucleus to read, and the nucleus for it, neither would go on.
func (s *session) answerPings() {
	for {
		select {
		case m := <-s.pongs:
			if err := s.write(context.Background(), m); err != nil {
				return
			}
		case <-s.closed:
			return
		}
	}
}

// ping waits for the answer to a ping.
func (s *session) ping(ctx context.Context) error {
	answered := make(chan struct{})
	s.mu.Lock()
	s.pinged++
	payload := strconv.FormatUint(s.pinged, 10)
	s.pings[payload] = answered
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.pings, payload)
	}()
	if err := s.write(ctx, wire.Message{Type: wire.Ping, Payload: []byte(payload)}); err != nil {
		return err
	}
	select {
	case <-answered:
		return nil
	case <-s.closed:
		return s.reason()
	case <-ctx.Done():
		return ctx.Err()
	}
}
