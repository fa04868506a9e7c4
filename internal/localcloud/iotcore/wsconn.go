package iotcore

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// maxFrames bounds one WebSocket message, which may hold several MQTT packets.
const maxFrames = 2 * maxPacket

// wsConn makes a byte stream of the binary messages of a WebSocket, which is
// what MQTT over WebSocket is (MQTT 5.0, section 6).
type wsConn struct {
	ws     *websocket.Conn
	reader io.Reader // of the message that is being read

	mu sync.Mutex // of everything about writing
}

var _ net.Conn = (*wsConn)(nil)

var errNotBinary = errors.New("MQTT over WebSocket wants binary messages")

func newWSConn(ws *websocket.Conn) *wsConn {
	ws.SetReadLimit(maxFrames)
	return &wsConn{ws: ws}
}

// Read implements net.Conn.
func (c *wsConn) Read(b []byte) (int, error) {
	for {
		if c.reader == nil {
			kind, reader, err := c.ws.NextReader()
			switch {
			case websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived):
				return 0, io.EOF
			case err != nil:
				return 0, err
			case kind != websocket.BinaryMessage:
				return 0, errNotBinary
			}
			c.reader = reader
		}
		n, err := c.reader.Read(b)
		if errors.Is(err, io.EOF) {
			c.reader, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Write implements net.Conn; each call is one message.
func (c *wsConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ws.WriteMessage(websocket.BinaryMessage, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close implements net.Conn.
func (c *wsConn) Close() error { return c.ws.Close() }

// LocalAddr implements net.Conn.
func (c *wsConn) LocalAddr() net.Addr { return c.ws.LocalAddr() }

// RemoteAddr implements net.Conn.
func (c *wsConn) RemoteAddr() net.Addr { return c.ws.RemoteAddr() }

// SetDeadline implements net.Conn.
func (c *wsConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (c *wsConn) SetReadDeadline(t time.Time) error { return c.ws.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (c *wsConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ws.SetWriteDeadline(t)
}
