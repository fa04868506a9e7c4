package signaling

import (
	"net/http"
	"net/url"
	"strings"
	"time"

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
	if c.ws, err = s.upgrader.Upgrade(w, r, nil); err != nil { // it has answered for itself
		s.requests.Done()
		s.cfg.Logger.Info("signaling connection refused", "remote", r.RemoteAddr, "reason", err)
		return
	}
	defer s.requests.Done()
	log := s.cfg.Logger.With("channel", c.channel.Name, "client", c.id)
	if err := s.seat(c); err != nil {
		log.Warn("signaling connection refused", "reason", err)
		_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, err.Error()), time.Now().Add(closeTimeout))
		c.ws.Close()
		return
	}
	log.Debug("signaling connection opened")
	c.serve()
	log.Debug("signaling connection closed", "reason", c.reason)
}

// admit checks what is asked for, counts the request among those that Close
// waits for, and returns its connection yet to be.
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
	c, err := s.find(ref{ChannelARN: arn})
	if err != nil {
		return nil, err
	}
	role := "viewer"
	if id == "" {
		role = "master"
	}
	if !s.allow("connect as "+role+" "+c.ARN, s.cfg.Limits.Connects) {
		return nil, tooFast("connections to %s come too fast: wait longer after each", c.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, wire.Error("ServiceUnavailableException", "the local cloud is stopping")
	}
	if s.rooms[c.ARN].crowded(id, s.cfg.Limits.Viewers) {
		return nil, tooFast("%d viewers are connected to %s, which is as many as it takes", s.cfg.Limits.Viewers, c.Name)
	}
	s.requests.Add(1)
	return newConn(s, c, id), nil
}

// crowded tells whether there is no room for one more viewer.
func (r *room) crowded(id string, limit int) bool {
	return r != nil && id != "" && r.viewers[id] == nil && len(r.viewers) >= limit
}

// seat makes the connection that of its client, unless things have changed
// since it was asked for.
func (s *Service) seat(c *conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.find(ref{ChannelARN: c.channel.ARN})
	r := s.room(c.channel.ARN)
	defer s.tidy(c.channel.ARN, r)
	switch {
	case err != nil:
		return err // deleted since
	case s.closed:
		return wire.Error("ServiceUnavailableException", "the local cloud is stopping")
	case r.crowded(c.id, s.cfg.Limits.Viewers):
		return tooFast("no more viewers can be connected")
	}
	r.enter(c)
	return nil
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
