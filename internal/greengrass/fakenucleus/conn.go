package fakenucleus

import (
	"encoding/json"
	"errors"
	"net"
	"slices"
	"sync"

	"porchlight/internal/greengrass/wire"
)

// conn is a client's connection. What is sent waits in a queue without bound,
// so that nothing of the nucleus waits for a client to read.
type conn struct {
	nucleus   *Nucleus
	net       net.Conn
	component string
	last      int32 // stream id; only the goroutine that reads looks at it

	mu      sync.Mutex
	changed *sync.Cond
	waiting [][]byte
	closing bool
}

// stream is a subscription of a client.
type stream struct {
	conn      *conn
	id        int32
	operation string
	filter    string   // a topic filter, or a component's name
	path      []string // of a configuration
	others    bool     // only messages of other components
	deaf      bool     // nucleus lite stopped to deliver, without a word
}

func (n *Nucleus) serve(accepted net.Conn) {
	c := &conn{nucleus: n, net: accepted}
	c.changed = sync.NewCond(&c.mu)
	n.mu.Lock()
	n.conns[c] = struct{}{}
	n.mu.Unlock()
	var writing sync.WaitGroup
	writing.Go(c.writeAll)
	if c.connect() {
		for c.next() {
		}
	}
	c.finish()
	n.mu.Lock()
	delete(n.conns, c)
	n.streams = slices.DeleteFunc(n.streams, func(s *stream) bool { return s.conn == c })
	n.mu.Unlock()
	writing.Wait()
}

// limit of frames that the nucleus takes.
func (n *Nucleus) limit() int {
	if n.cfg.Kind == Lite {
		return wire.LiteLimit
	}
	return wire.JavaLimit
}

// read takes a frame; false ends the connection.
func (c *conn) read() (wire.Message, bool) {
	m, err := wire.Read(c.net, c.nucleus.limit())
	switch {
	// What is too large is not read: the client finds its connection reset.
	case errors.Is(err, wire.ErrTooLarge), errors.Is(err, wire.ErrMalformed), err == nil && c.nucleus.cfg.Kind == Lite && !m.Portable():
		c.drop()
		return m, false
	case err != nil: // the client hung up
		c.cut()
		return m, false
	}
	return m, true
}

// connect checks the token. Java says no, nucleus lite hangs up.
func (c *conn) connect() bool {
	m, ok := c.read()
	if !ok {
		return false
	}
	var body struct {
		AuthToken string `json:"authToken"`
	}
	n := c.nucleus
	n.mu.Lock()
	defer n.mu.Unlock()
	if m.Type == wire.Connect && m.Stream == 0 && m.Version == wire.Version && json.Unmarshal(m.Payload, &body) == nil {
		c.component = n.tokens[body.AuthToken]
	}
	if c.component == "" {
		n.counts.Refused++
		if n.cfg.Kind == Java {
			c.send(wire.Message{Type: wire.ConnectAck})
		}
		return false
	}
	n.counts.Connections++
	c.send(wire.Message{Type: wire.ConnectAck, Flags: wire.ConnectionAccepted})
	return true
}

func (c *conn) next() bool {
	m, ok := c.read()
	if !ok {
		return false
	}
	n := c.nucleus
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case m.Stream == 0:
		return c.about(m)
	case m.Operation == "" && m.Stream <= c.last:
		c.terminate(m)
		return true
	case n.cfg.Kind == Java && (m.Operation == "" || m.Stream != c.last+1):
		c.protest()
		n.counts.Dropped++
		return false
	}
	c.last = max(c.last, m.Stream)
	return n.request(c, m)
}

// protest says that the client broke the protocol.
func (c *conn) protest() {
	c.send(wire.Message{Type: wire.ProtocolError, ContentType: wire.JSON, Payload: []byte(`{"message":"invalid stream id or no operation"}`)})
	c.finish()
}

// about handles messages about the connection. That nucleus lite answers pings
// is not known, so here it does not.
func (c *conn) about(m wire.Message) bool {
	switch m.Type {
	case wire.Ping:
		if c.nucleus.cfg.Kind == Java {
			c.send(m.Pong())
		}
	case wire.PingResponse:
		c.nucleus.counts.Pongs++
	default:
		c.nucleus.counts.Dropped++
		return false
	}
	return true
}

// terminate ends a stream for the client; one that is over is none of its concern.
func (c *conn) terminate(m wire.Message) {
	if !m.Terminates() {
		return
	}
	c.nucleus.counts.Terminates++
	c.nucleus.remove(func(s *stream) bool { return s.conn == c && s.id == m.Stream })
}

func (n *Nucleus) remove(which func(*stream) bool) { n.streams = slices.DeleteFunc(n.streams, which) }

// send queues a message.
func (c *conn) send(m wire.Message) {
	frame, err := wire.Append(nil, m, wire.JavaLimit)
	if err != nil {
		c.cut()
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, frame)
	c.changed.Signal()
}

func (c *conn) writeAll() {
	for {
		c.mu.Lock()
		for len(c.waiting) == 0 && !c.closing {
			c.changed.Wait()
		}
		frames := c.waiting
		c.waiting = nil
		c.mu.Unlock()
		if len(frames) == 0 {
			c.net.Close()
			return
		}
		for _, frame := range frames {
			if _, err := c.net.Write(frame); err != nil {
				c.cut()
				return
			}
		}
	}
}

// finish closes the connection once what waits is sent.
func (c *conn) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	c.changed.Signal()
}

// cut closes the connection at once.
func (c *conn) cut() {
	c.net.Close()
	c.finish()
}

// drop cuts a client off that broke the protocol or a limit.
func (c *conn) drop() {
	c.nucleus.mu.Lock()
	c.nucleus.counts.Dropped++
	c.nucleus.mu.Unlock()
	c.cut()
}

// Ping sends a ping to every client; Counts tells the answers.
func (n *Nucleus) Ping(payload []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.send(wire.Message{Type: wire.Ping, Payload: payload})
	}
}
