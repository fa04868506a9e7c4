package iotcore

import (
	"context"
	"log/slog"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

var errRevoked = packets.ErrAdministrativeAction

func (c *Core) startBroker(l *listener) error {
	c.broker = mqtt.New(&mqtt.Options{
		InlineClient: true,
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
	if err := c.broker.AddHook(&hook{core: c}, nil); err != nil {
		return err
	}
	if err := c.broker.AddListener(l); err != nil {
		return err
	}
	return c.broker.Serve()
}

// disconnect closes the connection and ignores the rest of what was read from
// it. Unlike the broker's own way it lets the last will be sent.
func (c *Core) disconnect(cl *mqtt.Client, code packets.Code, reason string) {
	c.log.Warn("mqtt client disconnected by the broker", "client", cl.ID, "remote", cl.Net.Remote, "reason", reason)
	conn := connOf(cl)
	if cl.Properties.ProtocolVersion >= 5 {
		_ = cl.WritePacket(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Disconnect}, ReasonCode: code.Code})
	}
	conn.closing.Store(true)
	conn.Close()
}

// connOf returns the connection that the listener made.
func connOf(cl *mqtt.Client) *clientConn { return cl.Net.Conn.(*clientConn) }

// ingest runs the rules on a message and returns when it is safe with them.
func (c *Core) ingest(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.ActionTimeout)
	defer cancel()
	return c.engine.run(ctx, m)
}

// A message whose sender is gone is tried this often, after pauses that double.
const (
	maxTries   = 8
	firstPause = 250 * time.Millisecond
	maxRetries = 256 // such messages at one time
)

// ingestLater runs the rules on a message that nobody would send again.
func (c *Core) ingestLater(m message) {
	if c.ctx.Err() != nil {
		return // a stop of the broker is not the devices' end
	}
	select {
	case c.retries <- struct{}{}:
	default:
		c.log.Error("last will lost: too many are waiting", "client", m.clientID, "topic", m.topic, "limit", maxRetries)
		return
	}
	c.wg.Add(1)
	go func() {
		defer c.wg.Done()
		defer func() { <-c.retries }()
		pause := firstPause
		for try := 1; ; try++ {
			err := c.ingest(c.ctx, m)
			if err == nil || c.ctx.Err() != nil {
				return
			}
			if try == maxTries {
				c.log.Error("last will lost: no action took it", "client", m.clientID, "topic", m.topic, "error", err)
				return
			}
			select {
			case <-c.ctx.Done():
				return
			case <-time.After(pause):
				pause *= 2
			}
		}
	}()
}
