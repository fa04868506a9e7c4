package live

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/pion/webrtc/v4"
)

// Kind says what a signaling message holds.
type Kind int

// Kinds of messages.
const (
	Offer     Kind = iota // from a viewer: its RTCSessionDescription
	Answer                // to a viewer: the RTCSessionDescription
	Candidate             // either way: an RTCIceCandidateInit
)

// Message is one signaling message from or to a viewer. Client names the
// viewer and comes from whoever let it in, never from the message itself.
// Payload is the JSON that browsers make and take
// (https://www.w3.org/TR/webrtc/, 4.7.1 and 4.8.1.3).
type Message struct {
	Client  string
	Kind    Kind
	Payload []byte
}

// Signaling is the way to viewers before there is a connection. All methods
// must be safe for concurrent use.
type Signaling interface {
	// Receive waits for the next message. An error ends Master.Serve, so
	// reconnecting is up to the signaling.
	Receive(ctx context.Context) (Message, error)
	// Send delivers a message to its client.
	Send(ctx context.Context, m Message) error
	// ICEServers returns STUN and TURN servers with credentials that are good
	// for another minute at least. It is called once a viewer.
	ICEServers(ctx context.Context) ([]webrtc.ICEServer, error)
}

// Bounds of what signaling may bring.
const (
	maxOffer        = 64 << 10 // bytes; a browser's offer has 3 to 8 KB
	maxCandidate    = 2 << 10  // bytes; a candidate has 200
	maxCandidates   = 64       // of one offer
	maxClients      = 256      // that have sent something and may be no viewers
	maxWaiting      = 64       // messages of one client not yet looked at
	maxClientLength = 256      // bytes
)

// parseOffer reads an offer.
func parseOffer(payload []byte) (webrtc.SessionDescription, error) {
	var d webrtc.SessionDescription
	if len(payload) > maxOffer {
		return d, faultf(CodeBadOffer, "the offer has %d bytes, the limit is %d", len(payload), maxOffer)
	}
	if err := json.Unmarshal(payload, &d); err != nil {
		return d, faultf(CodeBadOffer, "the offer is not the JSON of a session description")
	}
	if d.Type != webrtc.SDPTypeOffer || d.SDP == "" {
		return d, faultf(CodeBadOffer, "the session description is not an offer")
	}
	return d, nil
}

// parseCandidate reads a candidate.
func parseCandidate(payload []byte) (webrtc.ICECandidateInit, error) {
	var c webrtc.ICECandidateInit
	if len(payload) > maxCandidate {
		return c, fmt.Errorf("candidate of %d bytes, the limit is %d", len(payload), maxCandidate)
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return c, fmt.Errorf("read candidate: %w", err)
	}
	return c, nil
}
