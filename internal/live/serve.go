package live

import (
	"context"
	"fmt"
	"sync"
)

// server is one signaling that a master serves.
type server struct {
	m   *Master
	sig Signaling
	ctx context.Context

	mu      sync.Mutex
	clients map[string]*client
	running sync.WaitGroup
}

// Serve answers the viewers that come through a signaling, until ctx ends or
// the signaling fails; its viewers end with it. It may be called for several
// signalings. It returns the context's error, the signaling's or ErrClosed.
func (m *Master) Serve(ctx context.Context, sig Signaling) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return ErrClosed
	}
	m.running.Add(1)
	m.mu.Unlock()
	defer m.running.Done()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(m.ctx, cancel)() //nolint:contextcheck // the master may end before ctx
	s := &server{m: m, sig: sig, ctx: ctx, clients: make(map[string]*client)}
	defer s.running.Wait()
	defer cancel()
	for {
		msg, err := sig.Receive(ctx)
		switch {
		case m.ctx.Err() != nil:
			return ErrClosed
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("receive from viewers: %w", err)
		}
		s.handle(msg)
	}
}

// handle hands a message to its client. It never waits: what comes faster than
// a client's goroutine can take is dropped.
func (s *server) handle(msg Message) {
	if msg.Client == "" || len(msg.Client) > maxClientLength || msg.Kind == Answer {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.clients[msg.Client]
	if !ok {
		if len(s.clients) >= maxClients {
			s.m.log.Warn("too many clients at once; one is ignored", "limit", maxClients)
			return
		}
		c = &client{server: s, id: msg.Client, inbox: make(chan Message, maxWaiting), log: s.m.log.With("viewer", msg.Client)}
		s.clients[msg.Client] = c
		s.running.Go(c.run)
	}
	select {
	case c.inbox <- msg:
	default:
		c.log.Debug("a signaling message is dropped: they come too fast")
	}
}

// forget takes a client off, unless something has come for it meanwhile.
func (s *server) forget(c *client) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(c.inbox) > 0 {
		return false
	}
	delete(s.clients, c.id)
	return true
}
