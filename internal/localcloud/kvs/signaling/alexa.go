package signaling

import (
	"net/http"
	"strings"
	"time"

	"porchlight/internal/localcloud/kvs/wire"
)

// maxAlexa bounds how many offers wait for their answer on one channel.
const maxAlexa = 10

type alexaRequest struct{ ChannelARN, MessagePayload, SenderClientId string } //nolint:revive // the names in the API

type alexaAnswer struct{ Answer string }

// alexaOffer sends an offer to the master and waits for its answer, for as long
// as the channel keeps messages
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_signaling_SendAlexaOfferToMaster.html).
func (s *Service) alexaOffer(r *http.Request, in alexaRequest) (alexaAnswer, error) {
	id := in.SenderClientId
	switch {
	case in.ChannelARN == "":
		return alexaAnswer{}, wire.Invalid("ChannelARN is missing")
	case !idPattern.MatchString(id) || strings.HasPrefix(id, "AWS_"):
		return alexaAnswer{}, wire.Invalid("SenderClientId takes 1 to 256 letters, digits, dots, dashes and underscores, and may not begin with AWS_")
	case in.MessagePayload == "" || len(in.MessagePayload) > s.cfg.Limits.Payload:
		return alexaAnswer{}, wire.Invalid("MessagePayload takes 1 to %d characters, not %d", s.cfg.Limits.Payload, len(in.MessagePayload))
	}
	c, err := s.find(ref{ChannelARN: in.ChannelARN})
	if err != nil {
		return alexaAnswer{}, err
	}
	if !s.allow("alexa "+c.ARN, s.cfg.Limits.SDP) {
		return alexaAnswer{}, tooFast("offers to %s come too fast", c.Name)
	}
	said := make(chan string, 1)
	if err := s.expect(c, id, said); err != nil {
		return alexaAnswer{}, err
	}
	defer s.giveUp(c, id)
	s.deliver(c, "", event{SenderClientID: id, MessageType: offer, MessagePayload: in.MessagePayload})
	timer := time.NewTimer(time.Duration(c.TTL) * time.Second)
	defer timer.Stop()
	select {
	case payload := <-said:
		return alexaAnswer{payload}, nil
	case <-timer.C:
	case <-s.stopping:
	case <-r.Context().Done():
		return alexaAnswer{}, r.Context().Err()
	}
	return alexaAnswer{}, wire.NotFound("the master of %s has not answered: see that the camera is connected", c.Name)
}

// expect has the answer for a client id go to a channel.
func (s *Service) expect(c channel, id string, said chan string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.room(c.ARN)
	if r.asking[id] != nil || len(r.asking) >= maxAlexa {
		return tooFast("offers to %s wait for their answer already", c.Name)
	}
	r.asking[id] = said
	return nil
}

func (s *Service) giveUp(c channel, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.room(c.ARN)
	delete(r.asking, id)
	s.tidy(c.ARN, r)
}
