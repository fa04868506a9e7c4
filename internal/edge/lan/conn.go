package lan

import (
	"context"
	"crypto/x509"
	"net"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
)

// conn is a client's connection: it bounds what is read from it, and how fast.
type conn struct {
	net.Conn
	remote      string            // address without the port
	certificate *x509.Certificate // of the client, verified; nil: none
	limit       atomic.Int64      // bytes of a packet
	ctx         context.Context   //nolint:containedctx // the connection's own life, ended by Close
	cancel      context.CancelFunc
	frames      framer
	pace        *pace

	mu     sync.Mutex
	user   string
	rights *rights
	known  bool // user and rights are set
}

func newConn(inner net.Conn, certificate *x509.Certificate) *conn {
	c := &conn{Conn: inner, remote: host(inner), certificate: certificate, pace: newPace(time.Now())}
	c.limit.Store(maxConnect)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

func host(c net.Conn) string {
	address := c.RemoteAddr().String()
	if name, _, err := net.SplitHostPort(address); err == nil {
		return name
	}
	return address
}

// connOf returns the connection that the listener made.
func connOf(cl *mqtt.Client) *conn { return cl.Net.Conn.(*conn) }

// Read slows a client down that sends too fast, which slows the client itself
// down and costs it nothing else.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	begun, bad := c.frames.scan(b[:n], c.limit.Load())
	if bad != nil {
		return 0, bad
	}
	if wait := c.pace.spend(time.Now(), float64(begun)+float64(n)/bytesLikePacket); wait > 0 {
		c.sleep(wait)
	}
	return n, err
}

// sleep returns early when the connection is closed.
func (c *conn) sleep(wait time.Duration) {
	select {
	case <-c.ctx.Done():
	case <-time.After(wait):
	}
}

// Write gives every write its own deadline.
func (c *conn) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := c.Conn.Write(b)
	if err != nil {
		_ = c.Close()
	}
	return n, err
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.cancel()
	return c.Conn.Close()
}

// admit notes who the client proved to be.
func (c *conn) admit(user string, r *rights) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.user, c.rights, c.known = user, r, true
	c.limit.Store(r.maxPacket)
}

// who returns the user and rights; before admit there are none.
func (c *conn) who() (user string, r *rights, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known {
		return "", &rights{}, false
	}
	return c.user, c.rights, true
}

// pace is a bucket of tokens that may go into debt.
type pace struct {
	tokens float64
	last   time.Time
}

func newPace(now time.Time) *pace { return &pace{tokens: packetsAtOnce, last: now} }

// spend returns how long to wait for what was spent.
func (p *pace) spend(now time.Time, cost float64) time.Duration {
	p.tokens = min(packetsAtOnce, p.tokens+now.Sub(p.last).Seconds()*packetsPerSecond) - cost
	p.last = now
	return time.Duration(max(0, -p.tokens) / packetsPerSecond * float64(time.Second))
}
