package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

func (m *Master) newViewer(c *client, role Role, came time.Time) *viewer {
	ctx, end := context.WithCancelCause(c.ctx)
	v := &viewer{
		m: m, client: c.id, role: role, log: c.log, ctx: ctx, end: end,
		connected: make(chan struct{}), link: &link{}, wish: Auto,
		reports: make(chan []rtcp.Packet, 64), wishes: make(chan Quality, 1),
		outbox: make(chan Message, 2*maxCandidates),
	}
	v.track = newTrack(m.cfg.Camera, v.link)
	v.stats.now = ViewerStats{Client: c.id, Since: came}
	return v
}

// answer makes the viewer's connection and sends the answer.
func (v *viewer) answer(ctx context.Context, sig Signaling, offer webrtc.SessionDescription, o offered, early []webrtc.ICECandidateInit) error {
	short, cancel := context.WithTimeout(ctx, iceServersWithin)
	servers, err := sig.ICEServers(short)
	cancel()
	if err != nil {
		v.log.Warn("there are no STUN and TURN servers for a viewer, who may not get through from far away", "error", err)
	}
	if v.pc, err = v.m.cfg.Engine.connection(servers); err != nil {
		return fmt.Errorf("make a connection: %w", err)
	}
	v.watch()
	sender, err := v.pc.AddTrack(v.track)
	if err != nil {
		return fmt.Errorf("add video: %w", err)
	}
	v.tasks.Go(func() { v.read(sender) })
	if v.m.cfg.Audio != nil && o.audio {
		if err := v.addAudio(); err != nil {
			return err
		}
	}
	answer, err := v.negotiate(offer, early)
	if err != nil {
		return err
	}
	v.tasks.Go(func() { v.deliver(sig) }) //nolint:contextcheck // it lasts as long as the viewer
	v.post(Message{Client: v.client, Kind: Answer, Payload: answer})
	v.stats.phase(func(j *Join, at time.Duration) { once(&j.Answered, at) })
	return nil
}

// negotiate takes an offer and the candidates that came before it, and returns
// the answer as signaling carries it.
func (v *viewer) negotiate(offer webrtc.SessionDescription, early []webrtc.ICECandidateInit) ([]byte, error) {
	unusable := func(err error) error {
		return fmt.Errorf("%w: %w", faultf(CodeBadOffer, "the offer cannot be used"), err)
	}
	if err := v.pc.SetRemoteDescription(offer); err != nil {
		return nil, unusable(err)
	}
	for _, c := range early {
		if err := v.pc.AddICECandidate(c); err != nil {
			v.log.Debug("a candidate is left out", "error", err)
		}
	}
	answer, err := v.pc.CreateAnswer(nil)
	if err != nil {
		return nil, unusable(err)
	}
	if err := v.pc.SetLocalDescription(answer); err != nil {
		return nil, unusable(err)
	}
	return json.Marshal(answer)
}

// watch follows the connection.
func (v *viewer) watch() {
	v.pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c == nil {
			return
		}
		if payload, err := json.Marshal(c.ToJSON()); err == nil {
			v.post(Message{Client: v.client, Kind: Candidate, Payload: payload})
		}
	})
	v.pc.OnICEConnectionStateChange(func(s webrtc.ICEConnectionState) {
		if s == webrtc.ICEConnectionStateConnected {
			v.stats.phase(func(j *Join, at time.Duration) { once(&j.ICE, at) })
		}
	})
	v.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		switch s {
		case webrtc.PeerConnectionStateConnected:
			v.stats.phase(func(j *Join, at time.Duration) { once(&j.DTLS, at) })
			v.once.Do(func() { close(v.connected) })
		case webrtc.PeerConnectionStateFailed:
			v.end(faultf(CodeLost, "the connection was lost"))
		case webrtc.PeerConnectionStateClosed:
			v.end(faultf(CodeEnded, "the viewer has left"))
		}
	})
	v.pc.OnDataChannel(v.open)
}

// post queues a message to the viewer. One that does not get its messages
// delivered will not connect, so what does not fit is dropped.
func (v *viewer) post(m Message) {
	select {
	case v.outbox <- m:
	default:
	}
}

// deliver sends queued messages in their order.
func (v *viewer) deliver(sig Signaling) {
	for {
		select {
		case <-v.ctx.Done():
			return
		case m := <-v.outbox:
			ctx, cancel := context.WithTimeout(v.ctx, sendWithin)
			err := sig.Send(ctx, m)
			cancel()
			if err != nil && v.ctx.Err() == nil {
				v.log.Warn("a message to a viewer could not be sent", "error", err)
			}
		}
	}
}

// read hands the viewer's reports to run. When they come too fast, some are
// dropped: each is overtaken by the next.
func (v *viewer) read(sender *webrtc.RTPSender) {
	buf := make([]byte, 1500)
	for {
		n, _, err := sender.Read(buf)
		if err != nil {
			return
		}
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			continue
		}
		select {
		case v.reports <- packets:
		default:
		}
	}
}

// addAudio adds the camera's sound and reads what the viewer reports of it,
// which nobody needs.
func (v *viewer) addAudio() error {
	sender, err := v.pc.AddTrack(v.m.cfg.Audio)
	if err != nil {
		return fmt.Errorf("add sound: %w", err)
	}
	v.tasks.Go(func() {
		buf := make([]byte, 1500)
		for {
			if _, _, err := sender.Read(buf); err != nil {
				return
			}
		}
	})
	return nil
}

// close ends the connection and waits until nothing of it runs.
func (v *viewer) close() {
	if v.pc != nil {
		if err := v.pc.GracefulClose(); err != nil {
			v.log.Debug("a viewer's connection was not closed properly", "error", err)
		}
	}
	v.tasks.Wait()
}

func isPrivate(address string) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && (a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast())
}

var _ webrtc.TrackLocal = (*track)(nil)
