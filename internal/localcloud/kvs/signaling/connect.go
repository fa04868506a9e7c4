package signaling

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/websocket"

	"porchlight/internal/localcloud/kvs/wire"
)

// Parameters of a presigned address.
const (
	ChannelParameter = "X-Amz-ChannelARN"
	ClientParameter  = "X-Amz-ClientId"
)

// connect answers ConnectAsMaster and ConnectAsViewer
// (https://docs.aws.amazon.com/kinesisvideostreams-webrtc-dg/latest/devguide/api-endpoint.html).
func (s *Service) connect(w http.ResponseWriter, r *http.Request) {
	c, err := s.admit(r)
	if err != nil {
		wire.Fail(w, s.cfg.Logger, err)
		return
	}
	defer s.requests.Done()
	log := s.cfg.Logger.With("channel", c.channel.Name, "client", c.id)
	ws, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil { // it has answered for itself
		c.end(0, "")
		s.leave(c, c.queued())
		log.Info("signaling connection refused", "remote", r.RemoteAddr, "reason", err)
		return
	}
	log.Debug("signaling connection opened")
	c.serve(ws)
	log.Debug("signaling connection closed", "reason", c.reason)
}

// admit checks what is asked for and gives the client its place, so that it
// has it by the time it is told. Close waits for it from now on.
func (s *Service) admit(r *http.Request) (*conn, error) {
	if r.Method != http.MethodGet || !websocket.IsWebSocketUpgrade(r) {
		return nil, wire.Invalid("%s is a WebSocket: connect to it", r.URL.Path)
	}
	query := r.URL.Query()
	arn, err := single(query, ChannelParameter)
	if err != nil {
		return nil, err
	}
	id, err := clientID(r.URL.Path, query)
	if err != nil {
		return nil, err
	}
	role := "viewer"
	if id == "" {
		role = "master"
	}
	if c, err := s.find(ref{ChannelARN: arn}); err != nil {
		return nil, err
	} else if !s.allow("connect as "+role+" "+c.ARN, s.cfg.Limits.Connects) {
		return nil, tooFast("connections to %s come too fast: wait longer after each", c.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.find(ref{ChannelARN: arn}) // it may have been deleted since, and those on it let go
	switch {
	case err != nil:
		return nil, err
	case s.closed:
		return nil, wire.Error("ServiceUnavailableException", "the local cloud is stopping")
	}
	room := s.room(c.ARN)
	if id != "" && room.viewers[id] == nil && len(room.viewers) >= s.cfg.Limits.Viewers {
		return nil, tooFast("%d viewers are connected to %s, which is as many as it takes", s.cfg.Limits.Viewers, c.Name)
	}
	s.requests.Add(1)
	conn := newConn(s, c, id)
	room.enter(conn)
	return conn, nil
}

// clientID reads who connects: a viewer's id, nothing for a master. The
// endpoint says which of the two it must be.
func clientID(path string, query url.Values) (string, error) {
	viewer := path == ViewerPath || path == anyPath && query.Has(ClientParameter)
	if !viewer {
		if query.Has(ClientParameter) {
			return "", wire.Invalid("a master has no %s: leave it out, or connect to the endpoint of viewers", ClientParameter)
		}
		return "", nil
	}
	id, err := single(query, ClientParameter)
	if err == nil && (!idPattern.MatchString(id) || strings.HasPrefix(id, "AWS_")) {
		err = wire.Invalid("%s takes 1 to 256 letters, digits, dots, dashes and underscores, and may not begin with AWS_", ClientParameter)
	}
	return id, err
}

func single(query url.Values, name string) (string, error) {
	values := query[name]
	if len(values) != 1 || values[0] == "" {
		return "", wire.Invalid("the address must hold %s once", name)
	}
	return values[0], nil
}
