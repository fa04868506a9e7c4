package lan

import (
	"strings"
	"time"
)

// Limits of what clients may do.
const (
	maxFrame      = 1 << 20   // bytes of a message on clients/+: a picture as base64
	maxForeign    = 256 << 10 // bytes of a message on the topics of other systems
	maxMessage    = 16 << 10  // bytes of any other message
	maxConnect    = 16 << 10  // bytes of what comes before a client has proved who it is
	packetRoom    = 1 << 10   // bytes that a topic and properties add to a message
	maxTopic      = 256       // bytes of a topic or filter
	maxClientID   = 128       // bytes
	maxDeviceSubs = 64        // subscriptions of a device
	maxSubs       = 4096      // subscriptions of others: Home Assistant has one for each topic of each entity

	maxConnections  = 128 // open at one time
	maxPerRemote    = 24  // of them from one other machine
	maxPerUser      = 16  // of them of one user
	maxPending      = 256 // messages waiting to be written to one client
	maxInFlight     = 64  // unacknowledged messages, either way
	maxRetained     = 512 // messages kept for clients
	maxRetainedSize = 8 << 20

	packetsPerSecond = 100 // of one client, over some time
	packetsAtOnce    = 400
	bytesLikePacket  = 64 << 10 // so many bytes count like one packet more

	maxQueue      = 1024    // messages waiting for one subscriber of ours
	maxQueueBytes = 8 << 20 // and their payloads
)

// Timeouts of one connection.
const (
	connectTimeout = 10 * time.Second // for the TLS handshake and the CONNECT packet
	writeTimeout   = 5 * time.Second  // a client that stops reading is cut off
	wrongPause     = time.Second      // before a wrong password is answered
)

// framesLevel begins the topics on which devices send pictures.
const framesLevel = "clients/"

// largest is the most bytes of a message that a client publishes on a topic.
func (r *rights) largest(topic string) int {
	switch {
	case strings.HasPrefix(topic, framesLevel):
		return maxFrame
	case coveredBy(r.foreign, topic):
		return maxForeign
	}
	return maxMessage
}
