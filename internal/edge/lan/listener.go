package lan

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// listener feeds the broker connections, those with TLS after the handshake:
// it makes the handshakes beside each other and with a deadline.
type listener struct {
	inner  net.Listener
	tls    *tls.Config // nil: none
	ended  func(*conn) // told when the broker is done with a connection
	log    *slog.Logger
	ctx    context.Context //nolint:containedctx // the listener's own life, ended by Close
	cancel context.CancelFunc

	mu    sync.Mutex
	conns map[net.Conn]string // the other machine
	from  map[string]int      // connections of a machine
	wg    sync.WaitGroup
}

var _ listeners.Listener = (*listener)(nil)

func newListener(inner net.Listener, cfg *tls.Config, ended func(*conn), log *slog.Logger) *listener {
	l := &listener{inner: inner, tls: cfg, ended: ended, log: log, conns: map[net.Conn]string{}, from: map[string]int{}}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// ID, Address, Protocol and Init are the broker's.
func (l *listener) ID() string              { return "lan" }
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
			l.log.Warn("cannot accept connections", "error", err)
			select {
			case <-l.ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
				continue
			}
		}
		if !l.track(raw) {
			l.log.Warn("connection refused: too many", "remote", raw.RemoteAddr().String(), "limit", maxConnections, "limit_of_one_machine", maxPerRemote)
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
			l.log.Error("connection ended: it sent what cannot be handled", "remote", raw.RemoteAddr().String(), "cause", cause)
		}
	}()
	_ = raw.SetDeadline(time.Now().Add(connectTimeout))
	client, certificate, err := l.secure(raw)
	if err != nil {
		l.log.Info("connection refused in the tls handshake", "remote", raw.RemoteAddr().String(), "error", err)
		return
	}
	c := newConn(client, certificate)
	defer func() { _ = c.Close() }()
	defer l.ended(c)
	if err := establish(l.ID(), c); errors.Is(err, errPacket) {
		l.log.Warn("client cut off: its packet is too large for it, or no packet", "remote", c.remote)
	}
}

// secure returns raw, or what is inside its TLS, and the client's certificate.
func (l *listener) secure(raw net.Conn) (net.Conn, *x509.Certificate, error) {
	if l.tls == nil {
		return raw, nil, nil
	}
	client := tls.Server(raw, l.tls)
	ctx, cancel := context.WithTimeout(l.ctx, connectTimeout)
	defer cancel()
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, nil, err
	}
	if chains := client.ConnectionState().VerifiedChains; len(chains) > 0 {
		return client, chains[0][0], nil
	}
	return client, nil, nil
}

func (l *listener) track(raw net.Conn) bool {
	remote := host(raw)
	l.mu.Lock()
	defer l.mu.Unlock()
	local := net.ParseIP(remote).IsLoopback()
	if len(l.conns) >= maxConnections || !local && l.from[remote] >= maxPerRemote || l.ctx.Err() != nil {
		return false
	}
	l.conns[raw] = remote
	l.from[remote]++
	l.wg.Add(1)
	return true
}

func (l *listener) forget(raw net.Conn) {
	raw.Close()
	l.mu.Lock()
	remote := l.conns[raw]
	if l.from[remote]--; l.from[remote] == 0 {
		delete(l.from, remote)
	}
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
