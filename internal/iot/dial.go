package iot

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dial makes the network connection of one attempt. A proxy named in the
// environment (ALL_PROXY) is gone through.
func (c *Client) dial(ctx context.Context, _ autopaho.ClientConfig, _ *url.URL) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.retry.ack)
	defer cancel()
	if c.cfg.WebSocket != nil {
		return c.cfg.WebSocket.dial(ctx, c.cfg.reach, c.cfg.Endpoint, c.tls, c.cfg.Now())
	}
	raw, err := c.cfg.reach(ctx, "tcp", c.cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	conn := tls.Client(raw, c.tls)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("tls handshake: %w", err), raw.Close())
	}
	return packets.NewThreadSafeConn(conn), nil
}
