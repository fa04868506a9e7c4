package nucleus

import (
	"context"
	"fmt"

	"porchlight/internal/greengrass"
)

// PubSub is the way to the other components of the core, and to the client
// devices whose messages a bridge brings.
type PubSub struct{ n *Nucleus }

// PubSub of the core.
func (n *Nucleus) PubSub() *PubSub { return &PubSub{n} }

// Publish sends a local message, always in binary form: a JSON message of many
// keys silences its receivers on nucleus lite. Errors are as in Link.Publish.
func (p *PubSub) Publish(ctx context.Context, topic string, payload []byte) error {
	if payload == nil {
		payload = []byte{} // else it would count as not given
	}
	err := p.n.client.PublishToTopic(ctx, greengrass.PublishToTopicRequest{Topic: topic, Binary: payload})
	if err == nil {
		return nil
	}
	return fmt.Errorf("publish %s locally: %w", topic, refusal(permission{pubsub, "PublishToTopic", topic}, err))
}

// Subscribe receives local messages as Link.Subscribe does those of IoT Core.
// Of a JSON message handle gets the text. The component's own messages come
// back: nucleus lite knows no other way, so the Java one is asked for the same.
func (p *PubSub) Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func()) {
	p.n.begin(ctx, subscriber[greengrass.TopicMessage]{
		n: p.n, needs: permission{pubsub, "SubscribeToTopic", filter}, renew: p.n.cfg.Renew,
		subscribe: func(ctx context.Context) (*greengrass.Subscription[greengrass.TopicMessage], error) {
			return p.n.client.SubscribeToTopic(ctx, greengrass.SubscribeToTopicRequest{Filter: filter, Mode: greengrass.AllMessages})
		},
		handle: func(m greengrass.TopicMessage) { handle(m.Topic, m.Payload) },
		ready:  ready,
	}.keep)
}
