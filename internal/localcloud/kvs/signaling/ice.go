package signaling

import (
	"net/http"

	"porchlight/internal/localcloud/kvs/wire"
)

type iceRequest struct {
	ChannelARN, ClientId, Service, Username string //nolint:revive // the names in the API
}

type iceServer struct {
	Uris               []string
	Username, Password string
	Ttl                int //nolint:revive // the name in the API
}

type iceAnswer struct{ IceServerList []iceServer }

// iceServers gives credentials for the relay
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_signaling_GetIceServerConfig.html).
func (s *Service) iceServers(_ *http.Request, in iceRequest) (iceAnswer, error) {
	out := iceAnswer{IceServerList: []iceServer{}}
	switch {
	case in.ChannelARN == "":
		return out, wire.Invalid("ChannelARN is missing")
	case in.ClientId != "" && !idPattern.MatchString(in.ClientId):
		return out, wire.Error("InvalidClientException", "ClientId takes 1 to 256 letters, digits, dots, dashes and underscores")
	case in.Service != "" && in.Service != "TURN":
		return out, wire.Invalid("Service is %q: only TURN is known", in.Service)
	case in.Username != "" && !idPattern.MatchString(in.Username):
		return out, wire.Invalid("Username takes 1 to 256 letters, digits, dots, dashes and underscores")
	}
	c, err := s.find(ref{ChannelARN: in.ChannelARN})
	if err != nil {
		return out, err
	}
	if !s.allow("ice "+c.ARN, s.cfg.Limits.ICE) {
		return out, tooFast("GetIceServerConfig is asked for too often: keep what it answered for as long as it says")
	}
	if s.relay == nil {
		return out, nil
	}
	username, password := s.relay.credentials(c.ARN, s.cfg.Now().Add(s.cfg.Limits.Credentials))
	uri := "turn:" + s.relay.address + "?transport="
	out.IceServerList = append(out.IceServerList, iceServer{
		[]string{uri + "udp", uri + "tcp"}, username, password, int(s.cfg.Limits.Credentials.Seconds()),
	})
	return out, nil
}
