package signaling

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/pion/logging"
)

// listener bounds the relay's connections over TCP and ends them with it,
// which the library leaves to their clients.
type listener struct {
	net.Listener
	mu    sync.Mutex
	conns map[*relayConn]struct{}
	done  bool
}

func newListener(inner net.Listener) *listener {
	return &listener{Listener: inner, conns: map[*relayConn]struct{}{}}
}

// Accept waits for the next connection that there is room for.
func (l *listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &relayConn{Conn: inner, from: l}
		l.mu.Lock()
		fits := !l.done && len(l.conns) < maxRelayConns
		if fits {
			l.conns[c] = struct{}{}
		}
		l.mu.Unlock()
		if fits {
			return c, nil
		}
		inner.Close()
	}
}

func (l *listener) closeAll() error {
	l.mu.Lock()
	l.done = true
	all := make([]*relayConn, 0, len(l.conns))
	for c := range l.conns {
		all = append(all, c)
	}
	l.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// relayConn does not stay for a client that says nothing.
type relayConn struct {
	net.Conn
	from *listener
}

func (c *relayConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(relayIdle)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *relayConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *relayConn) Close() error {
	c.from.mu.Lock()
	delete(c.from.conns, c)
	c.from.mu.Unlock()
	return c.Conn.Close()
}

// quiet hands what the library says to our log: as details, since anyone who
// can send a packet can make it complain.
type quiet struct{ log *slog.Logger }

var (
	_ logging.LoggerFactory = quiet{}
	_ logging.LeveledLogger = quiet{}
)

func (q quiet) NewLogger(string) logging.LeveledLogger { return q }

func (q quiet) say(text string) { q.log.Debug("relay", "message", text) }

func (q quiet) Trace(string)          {}
func (q quiet) Tracef(string, ...any) {}
func (q quiet) Debug(string)          {}
func (q quiet) Debugf(string, ...any) {}
func (q quiet) Info(string)           {}
func (q quiet) Infof(string, ...any)  {}
func (q quiet) Warn(text string)      { q.say(text) }
func (q quiet) Error(text string)     { q.say(text) }
func (q quiet) Warnf(format string, args ...any) {
	q.say(fmt.Sprintf(format, args...))
}
func (q quiet) Errorf(format string, args ...any) {
	q.say(fmt.Sprintf(format, args...))
}
