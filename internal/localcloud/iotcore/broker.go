package iotcore

import (
	"context"
	"log/slog"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// newBroker makes a broker that does not listen yet.
func newBroker(h *hook) (*mqtt.Server, error) {
	broker := mqtt.New(&mqtt.Options{
		// The broker logs whole packets, payloads included; the hook logs instead.
		Logger: slog.New(slog.DiscardHandler),
		// Its statistics are not served: subscriptions to $SYS are refused.
		SysTopicResendInterval: 24 * 60 * 60,
		Capabilities: &mqtt.Capabilities{
			MaximumClients:               maxConnections,
			MaximumMessageExpiryInterval: 7 * 24 * 60 * 60,
			MaximumClientWritesPending:   maxPending,
			MaximumSessionExpiryInterval: sessionLife,
			MaximumPacketSize:            maxPacket,
			ReceiveMaximum:               maxInFlight,
			MaximumInflight:              maxPending,
			MinimumProtocolVersion:       4,
			MaximumQos:                   1,
			RetainAvailable:              1,
			WildcardSubAvailable:         1,
			SubIDAvailable:               1,
		},
	})
	return broker, broker.AddHook(h, nil)
}

// roomToRetain reports whether a retained message may be added or replaced.
func (c *Core) roomToRetain(topic string) bool {
	_, replaces := c.broker.Topics.Retained.Get(topic)
	return replaces || c.broker.Topics.Retained.Len() < maxRetained
}

// publish hands a message that has been through the rules to the subscribers.
// It comes from the account itself, which has no client id.
func (c *Core) publish(m message, retain bool, qos byte) error {
	return c.broker.InjectPacket(c.account, packets.Packet{
		FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: qos, Retain: retain},
		TopicName:   m.topic,
		Payload:     m.payload,
		PacketID:    uint16(qos), // the broker wants one with QoS 1, and does not use it
	})
}

// disconnect ends a client's connection and says so in the log.
func (c *Core) disconnect(conn *clientConn, code packets.Code, reason string) {
	c.log.Warn("mqtt client disconnected by the broker", "client", conn.client.ID, "remote", conn.client.Net.Remote, "reason", reason)
	conn.end(code)
}

// connectionEnded is called when the broker is done with a connection.
func (c *Core) connectionEnded(conn *clientConn) {
	c.live.leave(conn)
	conn.cancel()
	close(conn.done)
}

// ingest runs the rules on a message and returns when it is safe with them.
func (c *Core) ingest(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.ActionTimeout)
	defer cancel()
	return c.engine.run(ctx, m)
}

// A last will is tried this often, after pauses that double, for its sender is
// gone and will not send it again.
const (
	maxTries   = 8
	firstPause = 250 * time.Millisecond
	maxRetries = 256 // last wills waiting at one time
)

// ingestWill runs the rules on a last will. It returns after the first try; the
// others are made beside it.
func (c *Core) ingestWill(m message) {
	if c.ctx.Err() != nil {
		return // a stop of the broker is not the devices' end
	}
	if c.ingest(c.ctx, m) == nil {
		return
	}
	select {
	case c.retries <- struct{}{}:
	default:
		c.log.Error("last will lost: too many are waiting", "client", m.clientID, "topic", m.topic, "limit", maxRetries)
		return
	}
	c.wg.Go(func() {
		defer func() { <-c.retries }()
		var err error
		for try, pause := 1, firstPause; try < maxTries; try, pause = try+1, 2*pause {
			select {
			case <-c.ctx.Done():
				return
			case <-time.After(pause):
			}
			if err = c.ingest(c.ctx, m); err == nil {
				return
			}
		}
		c.log.Error("last will lost: no action took it", "client", m.clientID, "topic", m.topic, "error", err)
	})
}
