package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"porchlight/internal/cloud/live"
	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
)

// Live lets viewers see cameras live. It does not ask whose they are.
type Live interface {
	View(ctx context.Context, camera string) (live.Session, error)
}

// noLive is the type of the problem that a camera cannot be seen live.
const noLive = "no-live"

func (a *API) viewCamera(ctx context.Context, owner string, req *events.APIGatewayV2HTTPRequest) (any, error) {
	c, err := a.ownCamera(ctx, owner, req.PathParameters["camera"])
	if err != nil {
		return nil, err
	}
	if err := onlyParameters(req.QueryStringParameters); err != nil {
		return nil, err
	}
	if p := notSeen(c); p != nil {
		return nil, p
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	s, err := a.cfg.Live.View(ctx, c.Camera)
	if err != nil {
		return nil, err
	}
	// Who may have looked, and under which name the channel knew them.
	a.cfg.Log.InfoContext(ctx, "live view", "request_id", req.RequestContext.RequestID, "owner", owner,
		"camera", c.Camera, "client_id", s.ClientID)
	out := LiveSession{Channel: s.Channel, ClientId: s.ClientID, Url: s.URL, ExpiresAt: event.At(s.Expires), IceServers: make([]IceServer, len(s.ICE))}
	for i, server := range s.ICE {
		out.IceServers[i] = IceServer{Urls: server.URLs, Username: server.Username, Credential: server.Credential}
	}
	return out, nil
}

// ownCamera is a camera of a thing that is the owner's now.
func (a *API) ownCamera(ctx context.Context, owner, camera string) (*store.Camera, error) {
	if _, _, err := event.SplitCamera(camera); err != nil {
		return nil, notFound(noCamera)
	}
	c, err := a.cfg.Store.Camera(ctx, owner, camera)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound(noCamera)
	}
	return c, err
}

// notSeen is why a camera cannot be seen just now, by what it last said; nil
// when it can.
func notSeen(c *store.Camera) *problemError {
	p := &problemError{status: http.StatusNotFound, kind: noLive}
	switch {
	case !c.Online:
		p.detail = "The camera's gateway is not connected, or does not have the camera any more: see that it has power and a network, and the camera in its settings."
	case c.State == event.CameraRunning:
		return nil
	case c.State == event.CameraPrivate:
		p.detail = "The camera is private, which is seen by nobody: turn its privacy mode off to see it."
	case c.State == event.CameraEnded:
		p.detail = "The camera plays a file, which has ended: start its gateway's component again, or have the file loop."
	case c.State == event.CameraFailed:
		p.detail, p.again = "The gateway gets no picture from the camera: see that the camera has power and a network.", tryAgain
		if c.Message != "" {
			p.detail = "The gateway gets no picture from the camera: " + c.Message
		}
	default:
		p.detail, p.again = "The gateway is just connecting to the camera: try again in a few seconds.", tryAgain
	}
	return p
}

// liveProblem is what a client is told of an error about live view, nil when it
// is about something else.
func liveProblem(err error) *problemError {
	switch {
	case errors.Is(err, live.ErrNoChannel):
		return &problemError{status: http.StatusNotFound, kind: noLive, detail: "The camera's gateway has not opened the camera for live view: " +
			"see that its software is new enough, that live view is on in its settings, and what its log says of signaling."}
	case errors.Is(err, live.ErrBusy):
		return &problemError{status: http.StatusServiceUnavailable, again: tryAgain, detail: "The service for live view does not answer now: try again in a few seconds."}
	}
	return nil
}

var _ Live = (*live.Service)(nil)
