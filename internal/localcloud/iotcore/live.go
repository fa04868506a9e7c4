package iotcore

import (
	"context"
	"sync"

	"github.com/mochi-mqtt/server/v2/packets"
)

// live holds the connection of each client id. A newcomer waits until the one
// before it has ended altogether: the broker alone would let the end of the old
// connection forget the new one.
type live struct {
	mu    sync.Mutex
	conns map[string]*clientConn
}

// enter makes conn the connection of a client id. It calls evict on those that
// are in the way and waits for their end, or for that of ctx.
func (l *live) enter(ctx context.Context, id string, conn *clientConn, evict func(*clientConn)) error {
	for {
		l.mu.Lock()
		old := l.conns[id]
		if old == nil {
			l.conns[id] = conn
			l.mu.Unlock()
			return nil
		}
		l.mu.Unlock()
		evict(old)
		select {
		case <-old.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave forgets a connection that has ended.
func (l *live) leave(conn *clientConn) {
	s := conn.session.Load()
	if s == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns[s.clientID] == conn {
		delete(l.conns, s.clientID)
	}
}

// of returns the connections that a certificate is behind.
func (l *live) of(certificateID string) []*clientConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*clientConn
	for _, conn := range l.conns {
		if conn.who.certificate() == certificateID {
			out = append(out, conn)
		}
	}
	return out
}

// certificateChanged ends the connections of a certificate that is no longer
// active. Those of one that is still active are asked anew for every message.
func (c *Core) certificateChanged(id string) {
	if _, ok := c.registry.Identify(id); ok {
		return
	}
	for _, conn := range c.live.of(id) {
		c.disconnect(conn, packets.ErrAdministrativeAction, "the certificate is no longer active")
	}
}
