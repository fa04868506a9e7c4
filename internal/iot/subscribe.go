package iot

import (
	"context"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// subscription is one call of Subscribe.
type subscription struct {
	filter string
	handle func(topic string, payload []byte)
	ready  func()
	inbox  *inbox
	on     *link // on which it is in effect; guarded by subscriptions.mu
	told   time.Time
	lost   int // messages dropped and not told; with told guarded by subscriptions.mu
}

// Subscribe asks for the messages of a topic filter for as long as ctx lives,
// again after every reconnect, and returns at once. It calls handle for one
// message at a time, in the order of their arrival, and ready (which may be nil)
// whenever the subscription has come into effect, never both at once; what was
// published before may be lost, so that whoever needs it asks for it then.
//
// Delivery is at least once; a message of two filters may come twice to both. A
// slow handle delays nothing but itself: of what waits for it the oldest is
// dropped, counted and said. It must not change payload. What IoT Core refuses
// is said, and asked for again later.
func (c *Client) Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func()) {
	if err := checkFilter(filter); err != nil {
		c.cfg.Log.Error("subscription is not possible", "filter", filter, "error", err)
		return
	}
	s := &subscription{filter: filter, handle: handle, ready: ready, inbox: newInbox()}
	if !c.subs.add(s, func() { c.running.Go(func() { c.deliver(ctx, s) }) }) {
		return // the client has ended
	}
	c.cfg.Log.Debug("subscription wanted", "filter", filter)
}

// deliver hands a subscription its letters until it or the client ends.
func (c *Client) deliver(ctx context.Context, s *subscription) {
	defer c.subs.remove(s)
	for ctx.Err() == nil && c.ctx.Err() == nil {
		l, ok := s.inbox.take()
		switch {
		case !ok:
			select {
			case <-ctx.Done():
			case <-c.ctx.Done():
			case <-s.inbox.wake:
			}
		case l.ready:
			if s.ready != nil {
				s.ready()
			}
		default:
			s.handle(l.topic, l.payload)
		}
	}
}

// received is called by paho for every message, one at a time; nothing else is
// received meanwhile.
func (c *Client) received(m paho.PublishReceived) (bool, error) {
	c.count.received.Add(1)
	known := false
	for _, s := range c.subs.of(m.Packet.Topic) {
		known = true
		dropped := s.inbox.put(letter{topic: m.Packet.Topic, payload: m.Packet.Payload})
		if dropped == 0 {
			continue
		}
		c.count.dropped.Add(int64(dropped))
		if lost := c.subs.dropped(s, dropped, c.cfg.Now()); lost > 0 {
			c.cfg.Log.Warn("messages are dropped: what handles them is slower than they come", "filter", s.filter, "dropped", lost)
		}
	}
	if !known {
		c.cfg.Log.Debug("message of no subscription", "topic", m.Packet.Topic)
	}
	return known, nil
}
