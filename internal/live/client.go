package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/pion/webrtc/v4"
)

// idleClient is how long a client that is no viewer is remembered: its
// candidates may come before its offer.
const idleClient = 30 * time.Second

// iceServersWithin bounds the wait for the list of STUN and TURN servers.
// Without it only viewers at home get through, but they do at once.
const iceServersWithin = 3 * time.Second

// sendWithin bounds one message to a viewer.
const sendWithin = 10 * time.Second

// client is one name that signaling knows, and its viewer if it has become
// one. All is done by the goroutine of run.
type client struct {
	*server
	id    string
	inbox chan Message
	log   *slog.Logger

	session    string // of the offer
	candidates int    // since the offer
	early      []webrtc.ICECandidateInit
	viewer     *viewer
	done       chan struct{} // closed when the viewer has ended
}

func (c *client) run() {
	idle := time.NewTimer(idleClient)
	defer idle.Stop()
	for {
		select {
		case <-c.ctx.Done():
			c.drop(faultf(CodeClosed, "live view has ended"))
			return
		case msg := <-c.inbox:
			c.message(msg)
		case <-c.done:
			c.viewer, c.done = nil, nil
		case <-idle.C:
			if c.viewer == nil && c.forget(c) {
				return
			}
		}
		idle.Reset(idleClient)
	}
}

// drop ends the viewer and waits until it is gone.
func (c *client) drop(why *Fault) {
	if c.viewer == nil {
		return
	}
	c.viewer.end(why)
	<-c.done
	c.viewer, c.done = nil, nil
}

func (c *client) message(msg Message) {
	if msg.Kind == Candidate {
		c.candidate(msg.Payload)
		return
	}
	if err := c.offer(msg.Payload); err != nil {
		f := asFault(err)
		c.m.refused()
		c.log.Info("a viewer is refused", "code", f.Code, "error", err)
		c.refuse(msg.Payload, f)
	}
}

// candidate adds a way to the viewer, or keeps it until the offer comes.
func (c *client) candidate(payload []byte) {
	if c.candidates++; c.candidates > maxCandidates {
		return
	}
	candidate, err := parseCandidate(payload)
	if err != nil {
		c.log.Debug("a candidate is left out", "error", err)
		return
	}
	if c.viewer == nil {
		c.early = append(c.early, candidate)
		return
	}
	if err := c.viewer.pc.AddICECandidate(candidate); err != nil {
		c.log.Debug("a candidate is left out", "error", err)
	}
}

// offer answers an offer, or says why not.
func (c *client) offer(payload []byte) error {
	came := time.Now()
	early := c.early
	c.early, c.candidates = nil, 0
	if f := c.m.mayJoin(); f != nil {
		c.drop(f)
		return f
	}
	role := c.m.role(c.id)
	if role == Nobody {
		c.drop(faultf(CodeForbidden, "this viewer may not watch any more"))
		return faultf(CodeForbidden, "this viewer may not watch")
	}
	description, err := parseOffer(payload)
	if err != nil {
		return err
	}
	offer, err := inspect(description.SDP)
	if err != nil {
		return err
	}
	if c.viewer != nil && offer.session == c.session && c.viewer.ctx.Err() == nil {
		return c.renew(description)
	}
	c.drop(faultf(CodeReplaced, "the same viewer has connected again"))
	if f := offer.watchable(c.m.glances()); f != nil {
		return f
	}
	v := c.m.newViewer(c, role, came)
	if f := c.m.admit(v); f != nil {
		return f
	}
	if err := v.answer(c.ctx, c.sig, description, offer, early); err != nil {
		v.end(asFault(err))
		v.close()
		c.m.dismiss(v, asFault(err))
		return err
	}
	c.viewer, c.session, c.done = v, offer.session, make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		why := v.run()
		v.end(why)
		v.tell(why)
		v.close()
		c.m.dismiss(v, why)
		s := v.stats.stats()
		if c.m.cfg.Left != nil {
			c.m.cfg.Left(s)
		}
		c.log.Info("a viewer has left", "code", why.Code, "reason", why.Text,
			"stayed", time.Since(came).Round(time.Second).String(), "units", s.Units, "bytes", s.Bytes)
	}(c.done)
	return nil
}

// renew answers a viewer that offers again over the connection it has: its
// network has changed, and with it the addresses (RFC 8839, 4.4.1.1).
func (c *client) renew(offer webrtc.SessionDescription) error {
	v := c.viewer
	answer, err := v.negotiate(offer, nil)
	if err != nil {
		return err
	}
	v.post(Message{Client: v.client, Kind: Answer, Payload: answer})
	return nil
}

// refuse answers an offer by turning everything in it down.
func (c *client) refuse(payload []byte, f *Fault) {
	description, err := parseOffer(payload)
	if err != nil {
		return // nothing that could be answered
	}
	sdp, err := refusal(description.SDP, f)
	if err != nil {
		return
	}
	answer, err := json.Marshal(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp})
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, sendWithin)
	defer cancel()
	if err := c.sig.Send(ctx, Message{Client: c.id, Kind: Answer, Payload: answer}); err != nil {
		c.log.Debug("a refusal could not be sent", "error", err)
	}
}
