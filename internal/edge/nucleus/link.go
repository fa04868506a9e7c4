package nucleus

import (
	"context"
	"fmt"

	"porchlight/internal/greengrass"
)

// Link is the way to IoT Core, through the nucleus's own connection.
type Link struct{ n *Nucleus }

// Link to IoT Core.
func (n *Nucleus) Link() *Link { return &Link{n} }

// Publish hands a message to the nucleus with QoS 1 and returns once it took
// it. Errors are those of refusal: spool.ErrRefused for a message that is too
// large for nucleus lite, about 7200 bytes, or has no topic one may publish to;
// spool.ErrBusy when nucleus lite is offline or has ten messages on the way.
// One message at a time never fills that window.
func (l *Link) Publish(ctx context.Context, topic string, payload []byte) error {
	err := l.n.client.PublishToIoTCore(ctx, greengrass.IoTCoreMessage{Topic: topic, Payload: payload}, greengrass.AtLeastOnce)
	if err == nil {
		return nil
	}
	return fmt.Errorf("publish %s: %w", topic, refusal(permission{mqttproxy, "PublishToIoTCore", topic}, err))
}

// Subscribe receives messages for as long as ctx lives, and returns at once.
// handle gets them one at a time, in the order in which the nucleus had them; a
// message may come twice. ready, which may be nil, is called, never beside handle,
// whenever the subscription has come into effect: what was said before may be
// lost. On nucleus lite a message of more than 4900 bytes is lost too, and those
// after it until the subscription is renewed. Of what waits for a slow handle
// the oldest is dropped.
func (l *Link) Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func()) {
	l.n.begin(ctx, subscriber[greengrass.IoTCoreMessage]{
		n: l.n, needs: permission{mqttproxy, "SubscribeToIoTCore", filter}, renew: l.n.cfg.Renew,
		subscribe: func(ctx context.Context) (*greengrass.Subscription[greengrass.IoTCoreMessage], error) {
			return l.n.client.SubscribeToIoTCore(ctx, filter, greengrass.AtLeastOnce)
		},
		handle: func(m greengrass.IoTCoreMessage) { handle(m.Topic, m.Payload) },
		ready:  ready,
	}.keep)
}
