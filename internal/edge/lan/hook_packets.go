package lan

import (
	"strings"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// OnPacketRead refuses what is too large or too much. It runs before the
// packet has any effect.
func (h *hook) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline {
		return pk, nil
	}
	_, r, known := connOf(cl).who()
	if !known {
		return pk, nil // the CONNECT
	}
	code, reason := packets.CodeSuccess, ""
	switch pk.FixedHeader.Type {
	case packets.Publish:
		if strings.HasPrefix(pk.TopicName, "$") { // the broker would never answer it
			code, reason = packets.ErrTopicNameInvalid, "its topic is the broker's own"
		}
		if len(pk.Payload) > r.largest(pk.TopicName) || len(pk.TopicName) > maxTopic {
			code, reason = packets.ErrPacketTooLarge, "its message is too large for the topic"
		}
	case packets.Subscribe:
		if cl.State.Subscriptions.Len()+len(pk.Filters) > r.maxSubs {
			code, reason = packets.ErrQuotaExceeded, "it has too many subscriptions"
		}
	}
	if code == packets.CodeSuccess {
		return pk, nil
	}
	h.log.Warn("client cut off", "client", cl.ID, "reason", reason)
	if cl.Properties.ProtocolVersion >= 5 {
		_ = cl.WritePacket(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Disconnect}, ReasonCode: code.Code})
	}
	return pk, packets.ErrRejectPacket
}

// OnACLCheck is asked three questions: may the client publish on a topic,
// subscribe to a filter, and receive a message on a topic.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	if cl.Net.Inline {
		return true
	}
	_, r, _ := connOf(cl).who()
	if write {
		if r.mayPublish(topic) {
			return true
		}
		h.log.Warn("message refused: the user may not publish there", "client", cl.ID, "topic", clip(topic))
		return false
	}
	return r.mayHear(topic)
}

// OnPublish keeps no message for which there is no room; it is published all
// the same.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if !cl.Net.Inline && pk.FixedHeader.Retain && !h.retained.admit(pk.TopicName, len(pk.Payload)) {
		h.log.Warn("message not retained: too many are", "client", cl.ID, "topic", clip(pk.TopicName), "limit", maxRetained, "limit_bytes", maxRetainedSize)
		pk.FixedHeader.Retain = false
	}
	return pk, nil
}

// OnWill does the same for last wills.
func (h *hook) OnWill(_ *mqtt.Client, will mqtt.Will) (mqtt.Will, error) {
	if will.Retain && !h.retained.admit(will.TopicName, len(will.Payload)) {
		will.Retain = false
	}
	return will, nil
}

// OnPublishDropped tells of a client that does not keep up.
func (h *hook) OnPublishDropped(cl *mqtt.Client, pk packets.Packet) {
	h.log.Debug("message for a slow client dropped", "client", cl.ID, "topic", clip(pk.TopicName))
}

// clip keeps hostile topics from filling the log.
func clip(topic string) string {
	const most = 80
	if len(topic) > most {
		return topic[:most] + "…"
	}
	return topic
}
