package iotcore

import (
	"context"
	"fmt"
	"net"
)

// sockets are the listeners of one core.
type sockets struct {
	mqtt, credentials net.Listener
	webSocket         net.Listener // nil when it is not served
}

// listen opens all addresses, or none.
func (c *Core) listen(ctx context.Context) (s sockets, err error) {
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	var lc net.ListenConfig
	if s.mqtt, err = lc.Listen(ctx, "tcp", c.cfg.MQTTAddr); err != nil {
		return s, fmt.Errorf("listen for MQTT (is another broker running?): %w", err)
	}
	if s.credentials, err = lc.Listen(ctx, "tcp", c.cfg.CredentialsAddr); err != nil {
		return s, fmt.Errorf("listen for the credentials provider: %w", err)
	}
	c.mqttAddr, c.credAddr = s.mqtt.Addr().String(), s.credentials.Addr().String()
	if c.cfg.WebSocketAddr == "" {
		return s, nil
	}
	if s.webSocket, err = lc.Listen(ctx, "tcp", c.cfg.WebSocketAddr); err != nil {
		return s, fmt.Errorf("listen for MQTT over WebSocket: %w", err)
	}
	c.wsAddr = s.webSocket.Addr().String()
	return s, nil
}

func (s sockets) close() {
	for _, l := range []net.Listener{s.mqtt, s.credentials, s.webSocket} {
		if l != nil {
			l.Close()
		}
	}
}
