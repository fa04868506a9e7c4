package iot

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/session/state"
)

// link is one connection, from its CONNACK to its end.
type link struct {
	ctx     context.Context //nolint:containedctx // the connection's own life; its cause says why it ended
	end     context.CancelCauseFunc
	conn    io.Writer
	up      time.Time
	waiting atomic.Int32 // requests without an answer
}

// hangUp ends a connection of which nothing more is to be hoped.
func (l *link) hangUp() {
	if c, ok := l.conn.(io.Closer); ok {
		_ = c.Close()
	}
}

// session is paho's, and knows at once, and before those who wait for answers,
// when a connection ends and why.
type session struct {
	*state.State
	client *Client
}

// ConAckReceived implements paho's session.SessionManager.
func (s session) ConAckReceived(conn io.Writer, sent *packets.Connect, got *packets.Connack) error {
	s.client.linkMade(conn)
	return s.State.ConAckReceived(conn, sent, got)
}

// ConnectionLost implements paho's session.SessionManager. Only its first call
// for a connection counts.
func (s session) ConnectionLost(d *packets.Disconnect) error {
	s.client.linkLost(d)
	return s.State.ConnectionLost(d)
}

func (c *Client) linkMade(conn io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &link{conn: conn, up: c.cfg.Now()}
	l.ctx, l.end = context.WithCancelCause(c.ctx)
	c.link = l
}

// linkUp tells those who wait for a connection. There is none when it was lost
// at once.
func (c *Client) linkUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.connects++
	if c.link != nil && !c.online {
		c.online, c.since = true, c.cfg.Now()
		close(c.up)
	}
}

func (c *Client) linkLost(d *packets.Disconnect) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == nil {
		return
	}
	lost := &lostError{waiting: int(c.link.waiting.Load())}
	if d != nil && d.ReasonCode >= 0x80 {
		lost.code = d.ReasonCode
		lost.explained = c.circumstances().reason(d.ReasonCode, nil)
	}
	c.link.end(lost)
	if c.lasted = c.cfg.Now().Sub(c.link.up); c.lasted >= steady {
		c.trouble = trouble{}
	}
	c.link = nil
	if c.online {
		c.online, c.since = false, c.cfg.Now()
		c.up = make(chan struct{})
	}
}

// await returns the connection, once there is one.
func (c *Client) await(ctx context.Context) (*link, error) {
	for {
		c.mu.Lock()
		l, up := c.link, c.up
		if !c.online {
			l = nil
		}
		c.mu.Unlock()
		if l != nil {
			return l, nil
		}
		select {
		case <-up:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.ctx.Done():
			return nil, fmt.Errorf("the client has ended: %w", c.ctx.Err())
		}
	}
}

// within runs one request on a connection: it ends with the connection, and
// ends the connection when there is no answer in time.
func (c *Client) within(ctx context.Context, l *link, request func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(l.ctx, func() { cancel(context.Cause(l.ctx)) }) //nolint:contextcheck // both lives count
	defer stop()
	limited, done := context.WithTimeoutCause(ctx, c.retry.ack, ErrSilent)
	defer done()
	l.waiting.Add(1)
	err := request(limited)
	l.waiting.Add(-1)
	switch {
	case err == nil:
		return nil
	case l.ctx.Err() != nil:
		return context.Cause(l.ctx) //nolint:contextcheck // as above
	case ctx.Err() == nil && limited.Err() != nil:
		// Its answer, should it still come, would be taken for another's, and it
		// holds a place in the window until then.
		l.hangUp()
		return ErrSilent
	}
	return err
}
