package iotcore

import (
	"strings"
	"unicode/utf8"

	"github.com/mochi-mqtt/server/v2/packets"
)

// Limits of AWS IoT Core ("AWS IoT Core endpoints and quotas").
const (
	maxPayload       = 128 << 10 // bytes
	maxTopic         = 256       // bytes
	maxSlashes       = 7
	maxClientID      = 128    // bytes
	maxPacket        = 149504 // bytes; what AWS announces in its CONNACK
	maxInFlight      = 100    // unacknowledged messages either way
	maxSubscriptions = 50     // per connection
	maxFilters       = 8      // per SUBSCRIBE
	sessionLife      = 3600   // seconds a session outlives its connection
	maxRetained      = 5000   // retained messages per account
)

// Limits of this process.
const (
	maxConnections = 1000
	maxPending     = 256 // messages waiting to be written to one client
)

// checkTopic refuses topics that AWS refuses, and the reserved ones.
func checkTopic(topic string) bool {
	return topic != "" && len(topic) <= maxTopic && strings.Count(topic, "/") <= maxSlashes &&
		!strings.HasPrefix(topic, "$") && !strings.ContainsAny(topic, "+#\x00") && utf8.ValidString(topic)
}

func checkTopicFilter(filter string) bool {
	return len(filter) <= maxTopic && strings.Count(filter, "/") <= maxSlashes &&
		(!strings.HasPrefix(filter, "$") || strings.HasPrefix(filter, thingTopics))
}

// checkPublish applies what needs no policy to an incoming PUBLISH.
func checkPublish(pk packets.Packet) (packets.Code, bool) {
	topic, request := pk.TopicName, isRequest(pk.TopicName)
	if request {
		topic = strings.TrimPrefix(topic, "$")
	}
	switch {
	case pk.FixedHeader.Qos > 1:
		return packets.ErrQosNotSupported, false
	case pk.Properties.TopicAliasFlag:
		return packets.ErrTopicAliasInvalid, false // none were offered in the CONNACK
	case !checkTopic(topic):
		return packets.ErrTopicNameInvalid, false
	case request && pk.FixedHeader.Retain:
		return packets.ErrRetainNotSupported, false // as on AWS, for reserved topics
	case len(pk.Payload) > maxPayload:
		return packets.ErrPacketTooLarge, false
	}
	return packets.CodeSuccess, true
}
