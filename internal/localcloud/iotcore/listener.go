package iotcore

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// Timeouts of one connection.
const (
	handshakeTimeout = 10 * time.Second // also until the CONNECT packet is there
	writeTimeout     = 10 * time.Second // a client that stops reading is cut off
)

// listener feeds the broker connections whose TLS handshake is done. It does
// the handshakes itself, beside each other and with a deadline, because the
// broker would do them in its first read, without one.
type listener struct {
	inner  net.Listener
	tls    *tls.Config
	who    func(*tls.Conn) identity
	ended  func(*clientConn) // told when the broker is done with a connection
	log    *slog.Logger
	ctx    context.Context //nolint:containedctx // the listener's own life, ended by Close
	cancel context.CancelFunc

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	wg    sync.WaitGroup
}

var _ listeners.Listener = (*listener)(nil)

func newListener(inner net.Listener, cfg *tls.Config, who func(*tls.Conn) identity, ended func(*clientConn), log *slog.Logger) *listener {
	l := &listener{inner: inner, tls: cfg, who: who, ended: ended, log: log, conns: map[net.Conn]struct{}{}}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// ID, Address, Protocol and Init are the broker's.
func (l *listener) ID() string              { return "mqtts" }
func (l *listener) Address() string         { return l.inner.Addr().String() }
func (l *listener) Protocol() string        { return "tcp" }
func (l *listener) Init(*slog.Logger) error { return nil }

// Serve accepts until the listener is closed.
func (l *listener) Serve(establish listeners.EstablishFn) {
	for {
		raw, err := l.inner.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // such as too many open files: others may close some
			l.log.Warn("cannot accept mqtt connections", "error", err)
			select {
			case <-l.ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
				continue
			}
		}
		if !l.track(raw) {
			l.log.Warn("mqtt connection refused: too many", "limit", maxConnections)
			raw.Close()
			continue
		}
		go l.handle(raw, establish)
	}
}

func (l *listener) handle(raw net.Conn, establish listeners.EstablishFn) {
	defer l.forget(raw)
	defer func() {
		// A hostile packet may cost its sender the connection, nobody else.
		if cause := recover(); cause != nil {
			l.log.Error("mqtt connection failed: a packet could not be handled", "remote", raw.RemoteAddr().String(), "cause", cause)
		}
	}()
	conn := tls.Server(raw, l.tls)
	_ = conn.SetDeadline(time.Now().Add(handshakeTimeout))
	ctx, cancel := context.WithTimeout(l.ctx, handshakeTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		l.log.Info("mqtt connection refused in the tls handshake", "remote", raw.RemoteAddr().String(), "error", err)
		return
	}
	client := newClientConn(l.ctx, conn, l.who(conn))
	defer l.ended(client)
	// Errors of a connection are logged by the hook, which knows the client.
	_ = establish(l.ID(), client)
}

func (l *listener) track(raw net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.conns) >= maxConnections || l.ctx.Err() != nil {
		return false
	}
	l.conns[raw] = struct{}{}
	l.wg.Add(1)
	return true
}

func (l *listener) forget(raw net.Conn) {
	raw.Close()
	l.mu.Lock()
	delete(l.conns, raw)
	l.mu.Unlock()
	l.wg.Done()
}

// Close tells the clients, cuts every connection and waits for their
// goroutines.
func (l *listener) Close(closeClients listeners.CloseFn) {
	l.inner.Close()
	closeClients(l.ID())
	l.cancel()
	l.mu.Lock()
	for raw := range l.conns {
		raw.Close()
	}
	l.mu.Unlock()
	l.wg.Wait()
}
