package iot

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"

	"porchlight/internal/iot/spool"
)

// ClientConfig of a Client. All but Will and OnConnect are required.
type ClientConfig struct {
	Endpoint string      // host:port
	ClientID string      // the thing name: the policy allows no other
	TLS      *tls.Config // from LoadIdentity
	Log      *slog.Logger

	// Will returns, for a new session, the topic and payload that the broker
	// publishes when that session breaks.
	Will func(session string) (topic string, payload []byte)
	// OnConnect is called, in a goroutine of its own, whenever a session is up.
	OnConnect func(ctx context.Context, session string)
	// NewSession makes the ids of sessions.
	NewSession func() string
}

// Client is an MQTT 5 session that is kept up until its context ends.
type Client struct {
	cfg     ClientConfig
	manager *autopaho.ConnectionManager
	session atomic.Value // string
}

// How long to wait for the broker.
const (
	keepAlive    = 30 // seconds
	ackTimeout   = 10 * time.Second
	minReconnect = 500 * time.Millisecond
	maxReconnect = 15 * time.Second
)

// Connect starts connecting in the background and returns at once: being
// offline is normal. The session ends when ctx does; Wait tells when.
func Connect(ctx context.Context, cfg ClientConfig) (*Client, error) {
	tlsConfig, err := forEndpoint(cfg.TLS, cfg.Endpoint, "x-amzn-mqtt-ca")
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg}
	c.manager, err = autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls:                    []*url.URL{{Scheme: "mqtts", Host: cfg.Endpoint}},
		TlsCfg:                        tlsConfig,
		KeepAlive:                     keepAlive,
		CleanStartOnInitialConnection: true,
		ConnectTimeout:                ackTimeout,
		ReconnectBackoff:              autopaho.NewExponentialBackoff(minReconnect, maxReconnect, time.Second, 1.5),
		ConnectPacketBuilder:          c.buildConnect,
		OnConnectionUp: func(*autopaho.ConnectionManager, *paho.Connack) {
			session, _ := c.session.Load().(string)
			cfg.Log.Info("connected to IoT Core", "endpoint", cfg.Endpoint, "session", session)
			if cfg.OnConnect != nil {
				go cfg.OnConnect(ctx, session)
			}
		},
		OnConnectionDown: func() bool {
			cfg.Log.Warn("connection to IoT Core lost, connecting again", "endpoint", cfg.Endpoint)
			return true
		},
		OnConnectError: func(err error) {
			if ctx.Err() == nil {
				cfg.Log.Warn("cannot reach IoT Core, will try again", "endpoint", cfg.Endpoint, "error", err)
			}
		},
		ClientConfig: paho.ClientConfig{ClientID: cfg.ClientID, PacketTimeout: ackTimeout},
	})
	if err != nil {
		return nil, fmt.Errorf("connect to IoT Core: %w", err)
	}
	return c, nil
}

// buildConnect gives every session an id of its own, and a will that carries
// it, so that a late will of an old session can be told from a new one's.
func (c *Client) buildConnect(connect *paho.Connect, _ *url.URL) (*paho.Connect, error) {
	session := c.cfg.NewSession()
	c.session.Store(session)
	if c.cfg.Will != nil {
		topic, payload := c.cfg.Will(session)
		connect.WillMessage = &paho.WillMessage{Topic: topic, Payload: payload, QoS: 1}
	}
	return connect, nil
}

// Publish sends with QoS 1 and returns once the broker has acknowledged. What
// the broker will never take is an error that wraps spool.ErrRefused.
func (c *Client) Publish(ctx context.Context, topic string, payload []byte) error {
	if err := c.manager.AwaitConnection(ctx); err != nil {
		return fmt.Errorf("publish %s: %w", topic, err)
	}
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	response, err := c.manager.Publish(ctx, &paho.Publish{Topic: topic, Payload: payload, QoS: 1})
	if response != nil && permanent(response.ReasonCode) {
		return fmt.Errorf("publish %s: reason code 0x%02x: %w", topic, response.ReasonCode, errors.Join(spool.ErrRefused, err))
	}
	if err != nil {
		return fmt.Errorf("publish %s: %w", topic, err)
	}
	return nil
}

// permanent tells the PUBACK reason codes that another try does not change:
// MQTT 5.0, 3.4.2.1.
func permanent(reason byte) bool {
	switch reason {
	case 0x87, 0x90, 0x99: // not authorized, topic name invalid, payload format invalid
		return true
	}
	return false
}

// Wait waits, after the context of Connect has ended or Disconnect was called,
// until nothing of the client runs any more.
func (c *Client) Wait() { <-c.manager.Done() }

// Disconnect ends the session in an orderly way: the broker drops the will.
func (c *Client) Disconnect(ctx context.Context) error {
	if err := c.manager.Disconnect(ctx); err != nil {
		return fmt.Errorf("disconnect from IoT Core: %w", err)
	}
	return nil
}
