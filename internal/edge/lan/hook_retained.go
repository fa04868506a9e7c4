package lan

import (
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// The broker looks through retained messages, for a new subscriber, without a
// lock against those that are being added. The hooks below hold one for it:
// from OnPublish or OnWill to OnRetainMessage a message is added, from the
// SUBACK to the end of the SUBSCRIBE they are looked through.

// OnPublish keeps no message for which there is no room; it is published all
// the same.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if !pk.FixedHeader.Retain {
		return pk, nil
	}
	if !cl.Net.Inline && !h.retained.admit(pk.TopicName, len(pk.Payload)) {
		h.log.Warn("message not retained: too many are", "client", cl.ID, "topic", clip(pk.TopicName), "limit", maxRetained, "limit_bytes", maxRetainedSize)
		pk.FixedHeader.Retain = false
		return pk, nil
	}
	h.keeping.Lock()
	return pk, nil
}

// OnWill does the same for last wills.
func (h *hook) OnWill(_ *mqtt.Client, will mqtt.Will) (mqtt.Will, error) {
	if !will.Retain {
		return will, nil
	}
	if !h.retained.admit(will.TopicName, len(will.Payload)) {
		will.Retain = false
		return will, nil
	}
	h.keeping.Lock()
	return will, nil
}

// OnRetainMessage ends what OnPublish or OnWill began.
func (h *hook) OnRetainMessage(*mqtt.Client, packets.Packet, int64) { h.keeping.Unlock() }

// OnPacketSent is called in the goroutine that handles the SUBSCRIBE.
func (h *hook) OnPacketSent(cl *mqtt.Client, pk packets.Packet, _ []byte) {
	if cl.Net.Inline || pk.FixedHeader.Type != packets.Suback {
		return
	}
	h.keeping.RLock()
	connOf(cl).scanning = true
}

// OnPacketProcessed ends what OnPacketSent began.
func (h *hook) OnPacketProcessed(cl *mqtt.Client, pk packets.Packet, _ error) {
	if !cl.Net.Inline && pk.FixedHeader.Type == packets.Subscribe {
		h.scanned(connOf(cl))
	}
}

func (h *hook) scanned(c *conn) {
	if c.scanning {
		c.scanning = false
		h.keeping.RUnlock()
	}
}
