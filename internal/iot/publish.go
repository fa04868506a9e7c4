package iot

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"

	"github.com/eclipse/paho.golang/paho"

	"porchlight/internal/iot/spool"
)

// Publish sends with QoS 1 and returns once the broker has acknowledged. It
// waits for a connection as long as ctx lives. What the broker will never take
// is an error that wraps spool.ErrRefused.
func (c *Client) Publish(ctx context.Context, topic string, payload []byte) error {
	if err := c.publish(ctx, topic, payload); err != nil {
		if errors.Is(err, spool.ErrRefused) {
			c.count.refused.Add(1)
		}
		return fmt.Errorf("publish %.300s: %w", topic, err)
	}
	c.count.published.Add(1)
	return nil
}

func (c *Client) publish(ctx context.Context, topic string, payload []byte) error {
	if err := checkPublish(topic, payload); err != nil {
		return err
	}
	l, err := c.await(ctx)
	if err != nil {
		return err
	}
	var response *paho.PublishResponse
	err = c.within(ctx, l, func(ctx context.Context) (err error) {
		response, err = c.manager.Publish(ctx, &paho.Publish{Topic: topic, Payload: payload, QoS: 1})
		return err
	})
	switch {
	case response != nil && permanent(response.ReasonCode):
		return errors.Join(c.circumstances().reason(response.ReasonCode, err), spool.ErrRefused)
	case response != nil && response.ReasonCode >= 0x80:
		return c.circumstances().reason(response.ReasonCode, err)
	case err != nil && convicts(err) && c.second(topic, payload):
		return errors.Join(err, spool.ErrRefused)
	}
	return err
}

// second reports whether the server has ended the connection over this message
// before. Once may be something else, such as a certificate that was just
// deactivated.
func (c *Client) second(topic string, payload []byte) bool {
	message := maphash.Comparable(c.seed, topic) ^ maphash.Bytes(c.seed, payload)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.strike == message {
		c.strike = 0
		return true
	}
	c.strike = message
	return false
}
