package iotcore

import (
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// OnSubscribe decides the filters of one SUBSCRIBE for OnACLCheck.
func (h *hook) OnSubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	if cl.Net.Inline {
		return pk
	}
	conn := connOf(cl)
	s := conn.session.Load()
	room := maxSubscriptions - cl.State.Subscriptions.Len()
	decided := make(map[string]bool, len(pk.Filters))
	for _, f := range pk.Filters {
		room--
		decided[f.Filter] = room >= 0 && checkTopicFilter(f.Filter) && s.allowed("iot:Subscribe", h.core.arn("topicfilter", f.Filter), nil).Allowed
		if !decided[f.Filter] {
			h.core.log.Warn("mqtt subscription refused", "client", cl.ID, "certificate", s.certificate(), "filter", f.Filter)
		}
	}
	conn.mu.Lock()
	conn.subscribing = decided
	conn.mu.Unlock()
	return pk
}

// OnSubscribed ends what OnSubscribe began.
func (h *hook) OnSubscribed(cl *mqtt.Client, _ packets.Packet, _ []byte) {
	if cl.Net.Inline {
		return
	}
	conn := connOf(cl)
	conn.mu.Lock()
	conn.subscribing = nil
	conn.mu.Unlock()
}

// OnACLCheck is asked three questions: may the client publish (decided in
// OnPublish), subscribe to a filter (decided in OnSubscribe), and receive a
// message on a topic. The last two look alike; a filter counts as a
// subscription while its SUBSCRIBE is being handled.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	if write || cl.Net.Inline {
		return true
	}
	conn := connOf(cl)
	conn.mu.Lock()
	allowed, subscribing := conn.subscribing[topic]
	conn.mu.Unlock()
	if subscribing {
		return allowed
	}
	return conn.session.Load().allowed("iot:Receive", h.core.arn("topic", topic), nil).Allowed
}
