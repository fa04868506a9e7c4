package iotcore

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// clientConn carries what is known of a connection through the broker.
type clientConn struct {
	net.Conn
	who     identity
	ctx     context.Context //nolint:containedctx // the connection's own life, ended by disconnect
	cancel  context.CancelFunc
	done    chan struct{}           // closed when the broker is done with it
	client  *mqtt.Client            // set, with session, when the CONNECT was accepted
	session atomic.Pointer[session] // stored after client
	closing atomic.Bool             // the rest of what was read must be ignored

	mu          sync.Mutex
	subscribing map[string]bool // filters of the SUBSCRIBE in progress: allowed or not
}

func newClientConn(ctx context.Context, conn net.Conn, who identity) *clientConn {
	c := &clientConn{Conn: conn, who: who, done: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(ctx)
	return c
}

// connOf returns the connection that the listener made.
func connOf(cl *mqtt.Client) *clientConn { return cl.Net.Conn.(*clientConn) }

// Write gives every write its own deadline.
func (c *clientConn) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := c.Conn.Write(b)
	if err != nil {
		c.Close()
	}
	return n, err
}

// end closes the connection with a reason and ignores the rest of what was read
// from it. Unlike the broker's own way it lets the last will be sent.
func (c *clientConn) end(code packets.Code) {
	if !c.closing.CompareAndSwap(false, true) {
		return
	}
	if c.client.Properties.ProtocolVersion >= 5 {
		_ = c.client.WritePacket(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Disconnect}, ReasonCode: code.Code})
	}
	c.cancel()
	c.Close()
}
