package signaling

import (
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	handshakeTimeout = 10 * time.Second
	writeTimeout     = 10 * time.Second
	closeTimeout     = time.Second // for the other side to end the connection too
	maxFrame         = 32 << 10    // bytes of one message, of which a payload is the most
	maxUnsent        = 256         // messages for a client that does not read
	patience         = 10          // messages a second that cannot be taken
)

// conn is the connection of a master or a viewer. The request's goroutine
// reads from it, another writes.
type conn struct {
	service *Service
	channel channel
	id      string          // of a viewer; empty: the master
	ws      *websocket.Conn // of reader and writer
	socket  atomic.Pointer[websocket.Conn]
	began   time.Time
	out     chan event
	active  atomic.Int64 // when a message last passed, Unix nanoseconds

	sdp, candidates, strikes *bucket // of the reader

	once   sync.Once
	quit   chan struct{} // closed when the connection is to end
	code   int           // said at the end; 0: it is cut
	reason string
}

func newConn(s *Service, c channel, id string) *conn {
	now := time.Now()
	l := s.cfg.Limits
	out := &conn{
		service: s, channel: c, id: id, began: now, out: make(chan event, maxUnsent), quit: make(chan struct{}),
		sdp: newBucket(l.SDP, now), candidates: newBucket(l.Candidates, now), strikes: newBucket(patience, now),
	}
	out.active.Store(now.UnixNano())
	return out
}

// end has the connection closed; a code of 0 cuts it.
func (c *conn) end(code int, reason string) {
	c.once.Do(func() {
		c.code, c.reason = code, reason
		close(c.quit)
		if ws := c.socket.Load(); ws != nil {
			_ = ws.NetConn().SetWriteDeadline(time.Now().Add(closeTimeout)) // frees a writer whose client does not read
		}
	})
}

// push queues a message and never waits: who does not read is let go.
func (c *conn) push(e event) bool {
	select {
	case <-c.quit:
		return false
	default:
	}
	select {
	case c.out <- e:
		return true
	default:
		c.end(websocket.ClosePolicyViolation, "messages are not read")
		return false
	}
}

// serve stays until the connection has ended.
func (c *conn) serve(ws *websocket.Conn) {
	c.ws = ws
	c.socket.Store(ws)
	var writing sync.WaitGroup
	var unsent []event
	writing.Go(func() { unsent = c.write() })
	c.ws.SetReadLimit(maxFrame)
	for {
		_, raw, err := c.ws.ReadMessage()
		if err != nil {
			break
		}
		c.active.Store(time.Now().UnixNano())
		c.take(raw)
	}
	c.end(0, "")
	writing.Wait()
	_ = c.ws.Close()
	c.service.leave(c, append(unsent, c.queued()...))
}

// queued takes what is in the queue.
func (c *conn) queued() (all []event) {
	for {
		select {
		case e := <-c.out:
			all = append(all, e)
		default:
			return all
		}
	}
}

// take handles one message of the client.
func (c *conn) take(raw []byte) {
	r, err := parseRequest(raw, c.id == "", c.service.cfg.Limits.Payload)
	if err == nil {
		err = c.limit(r)
	}
	if err == nil {
		c.service.deliver(c.channel, r.RecipientClientID, event{SenderClientID: c.id, MessageType: r.Action, MessagePayload: r.MessagePayload})
		return
	}
	if e := statusOf(r, err); e != nil {
		c.push(*e)
	}
	if !c.strikes.take(time.Now()) {
		c.service.cfg.Logger.Warn("signaling client sends what cannot be taken", "channel", c.channel.Name, "client", c.id, "last", err)
		c.end(websocket.ClosePolicyViolation, "too many messages that cannot be taken")
	}
}

func (c *conn) limit(r request) error {
	b, rate := c.sdp, c.service.cfg.Limits.SDP
	if r.Action == candidate {
		b, rate = c.candidates, c.service.cfg.Limits.Candidates
	}
	if b.take(time.Now()) {
		return nil
	}
	return &refusal{"ClientLimitExceededException", "messages of this kind come too fast: " +
		time.Duration(float64(time.Second)/rate).Round(time.Millisecond).String() + " between them is slow enough"}
}

// write sends what is queued and watches the clock. It returns what it could
// not send.
func (c *conn) write() (unsent []event) {
	l := c.service.cfg.Limits
	warn := c.began.Add(l.Life - l.Grace)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.quit:
			c.bid()
			return unsent
		case e := <-c.out:
			if err := c.send(e); err != nil {
				_ = c.ws.Close() // which ends the reader
				return append(unsent, e)
			}
			c.active.Store(time.Now().UnixNano())
		case <-timer.C:
			now := time.Now()
			idle := time.Unix(0, c.active.Load()).Add(l.Idle)
			life := c.began.Add(l.Life)
			switch {
			case !now.Before(life):
				c.end(websocket.CloseGoingAway, "the connection has reached its longest duration")
			case !now.Before(idle):
				c.end(websocket.CloseGoingAway, "nothing has been said for long")
			case !warn.IsZero() && !now.Before(warn):
				warn = time.Time{}
				_ = c.send(event{MessageType: goAway}) // a loss is noticed by what follows
			}
			next := life
			if idle.Before(next) {
				next = idle
			}
			if !warn.IsZero() && warn.Before(next) {
				next = warn
			}
			timer.Reset(max(time.Until(next), 0) + time.Millisecond)
		}
	}
}

func (c *conn) send(e event) error {
	raw := []byte(e.raw)
	if e.raw == "" {
		var err error
		if raw, err = json.Marshal(e); err != nil {
			return err
		}
	}
	return errors.Join(c.ws.SetWriteDeadline(time.Now().Add(writeTimeout)), c.ws.WriteMessage(websocket.TextMessage, raw))
}

// bid says goodbye and gives the other side a moment to do so too.
func (c *conn) bid() {
	if c.code == 0 {
		_ = c.ws.Close()
		return
	}
	deadline := time.Now().Add(closeTimeout)
	_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(c.code, c.reason), deadline)
	_ = c.ws.SetReadDeadline(deadline)
}
