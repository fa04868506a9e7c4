package liveview

import (
	"context"

	"github.com/pion/webrtc/v4"

	"porchlight/internal/kvs/signaling"
	"porchlight/internal/live"
)

// line is a signaling channel as live view wants it.
type line struct{ client *signaling.Client }

var _ live.Signaling = line{}

// Receive implements live.Signaling. What else the service says the client has
// seen to: it asks for new relays before the next viewer, and those who watch
// offer again when they need them.
func (l line) Receive(ctx context.Context) (live.Message, error) {
	for {
		m, err := l.client.Receive(ctx)
		if err != nil {
			return live.Message{}, err
		}
		switch m.Kind {
		case signaling.Offer:
			return live.Message{Client: m.Client, Kind: live.Offer, Payload: m.Payload}, nil
		case signaling.Candidate:
			return live.Message{Client: m.Client, Kind: live.Candidate, Payload: m.Payload}, nil
		}
	}
}

// Send implements live.Signaling.
func (l line) Send(ctx context.Context, m live.Message) error {
	kind := signaling.Candidate
	if m.Kind == live.Answer {
		kind = signaling.Answer
	}
	return l.client.Send(ctx, signaling.Message{Client: m.Client, Kind: kind, Payload: m.Payload})
}

// ICEServers implements live.Signaling.
func (l line) ICEServers(ctx context.Context) ([]webrtc.ICEServer, error) {
	known, err := l.client.ICEServers(ctx)
	if err != nil {
		return nil, err
	}
	servers := make([]webrtc.ICEServer, 0, len(known))
	for _, s := range known {
		servers = append(servers, webrtc.ICEServer{URLs: s.URLs, Username: s.Username, Credential: s.Credential})
	}
	return servers, nil
}
