// Package signaling connects a camera and its viewers to a signaling channel
// of Kinesis Video Streams, through which they agree on a WebRTC connection
// (https://docs.aws.amazon.com/kinesisvideostreams-webrtc-dg/latest/devguide/kvswebrtc-websocket-apis.html).
//
// A [Client] keeps one connection for as long as it runs: it is replaced
// before the service ends it, and after a fault with growing delays. A channel
// has one master. When another takes its place, the client stands by instead
// of taking it back at once, since two that do so would never end.
//
// Messages go through unread: what they hold is between the camera and its
// viewers.
package signaling

import (
	"errors"
	"time"
)

// Role is what a client is to its channel.
type Role string

// Roles, as the control plane calls them.
const (
	Master Role = "MASTER" // the camera; a channel has one
	Viewer Role = "VIEWER"
)

// Kind says what a message holds.
type Kind string

// Kinds of messages, as they are called on the wire.
const (
	Offer     Kind = "SDP_OFFER"     // an RTCSessionDescription
	Answer    Kind = "SDP_ANSWER"    // an RTCSessionDescription
	Candidate Kind = "ICE_CANDIDATE" // an RTCIceCandidateInit
	// RenewICE asks to get new ICE servers and to move connections over to
	// them, which stay as they are until then. Only received.
	RenewICE Kind = "RECONNECT_ICE_SERVER"
	// Refused says that a message was not taken. Only received.
	Refused Kind = "STATUS_RESPONSE"

	goAway Kind = "GO_AWAY"
)

// Message is one message from or to another client of the channel.
type Message struct {
	// Client is the viewer's id, of a message to or from it. It is empty for
	// the master, and comes from the service, never from the message.
	Client string
	Kind   Kind
	// Payload is the JSON of what the kind says
	// (https://www.w3.org/TR/webrtc/, 4.7.1 and 4.8.1.3).
	Payload []byte
	// CorrelationID, if set, has the service say when it cannot take a message,
	// with a message of kind Refused that carries the same id. 1 to 256
	// letters, digits, dots, dashes and underscores.
	CorrelationID string
	Reason        string // of Refused: what the service says
}

// ICEServer is a STUN server, or a relay (TURN) with credentials.
type ICEServer struct {
	URLs                 []string
	Username, Credential string
	Expires              time.Time // zero: never
}

// What can go wrong. Errors wrap these and name cause and cure.
var (
	ErrChannel      = errors.New("signaling channel cannot be used")
	ErrRefused      = errors.New("signaling is refused")
	ErrReplaced     = errors.New("another connection has taken this one's place")
	ErrConnection   = errors.New("signaling was interrupted")
	ErrNotConnected = errors.New("signaling is not connected")
	ErrMessage      = errors.New("signaling message cannot be used")
)
