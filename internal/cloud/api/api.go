package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"porchlight/internal/cloud/cursor"
	"porchlight/internal/cloud/store"
)

// Store holds the owner's things.
type Store interface {
	Cameras(ctx context.Context, owner string) ([]*store.Camera, error)
	Camera(ctx context.Context, owner, camera string) (*store.Camera, error)
	HasCamera(ctx context.Context, owner, camera string) (bool, error)
	LabeledEvent(ctx context.Context, owner, id string) (*store.Labeled, error)
	Events(ctx context.Context, owner string, q store.Query) (*store.Page, error)
	OwnerOf(ctx context.Context, thing string) (string, error)
}

// Presign returns a URL at which anyone can read the object for a short while.
type Presign func(ctx context.Context, key string) (url string, err error)

// Config of an API. All but Now are required.
type Config struct {
	Store   Store
	Cursors *cursor.Signer
	Presign Presign
	Video   Video
	Live    Live
	Log     *slog.Logger
	Now     func() time.Time // time.Now when nil
}

// API is safe for concurrent use.
type API struct {
	cfg    Config
	routes map[string]handler
}

// handler returns the body of a 200, or an error; a *problemError is shown to
// the client, any other is not.
type handler func(ctx context.Context, owner string, req *events.APIGatewayV2HTTPRequest) (any, error)

// New returns the API.
func New(cfg Config) *API {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a := &API{cfg: cfg}
	a.routes = map[string]handler{
		"GET /v1/cameras":                     a.listCameras,
		"GET /v1/cameras/{camera}/clip":       a.getCameraClip,
		"POST /v1/cameras/{camera}/live":      a.viewCamera,
		"GET /v1/cameras/{camera}/playback":   a.playCamera,
		"GET /v1/cameras/{camera}/recordings": a.listRecordings,
		"GET /v1/events":                      a.listEvents,
		"GET /v1/events/{event_id}":           a.getEvent,
		"GET /v1/events/{event_id}/clip":      a.getEventClip,
		"GET /v1/events/{event_id}/playback":  a.playEvent,
	}
	return a
}

// Handle answers one request of an HTTP API with payload format 2.0, whose
// JWT authorizer has verified the token. The error is always nil: whatever
// goes wrong has an answer.
func (a *API) Handle(ctx context.Context, req events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	body, err := a.answer(ctx, &req)
	res := events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK, Headers: map[string]string{
		"content-type": "application/json", "cache-control": "no-store",
	}}
	if err != nil {
		shown := a.shown(ctx, &req, err)
		res.StatusCode, body = shown.status, shown.document()
		res.Headers["content-type"] = "application/problem+json"
		if shown.again > 0 {
			res.Headers["retry-after"] = strconv.Itoa(shown.again)
		}
	}
	raw, err := json.Marshal(body)
	if err != nil { // the types hold nothing that JSON cannot
		a.cfg.Log.ErrorContext(ctx, "response not written", "request_id", req.RequestContext.RequestID, "err", err)
		res.StatusCode, raw = http.StatusInternalServerError, []byte(`{"title":"Internal Server Error","status":500}`)
		res.Headers["content-type"] = "application/problem+json"
	}
	res.Body = string(raw)
	a.cfg.Log.InfoContext(ctx, "request", "request_id", req.RequestContext.RequestID, "route", req.RouteKey, "status", res.StatusCode)
	return res, nil
}

func (a *API) answer(ctx context.Context, req *events.APIGatewayV2HTTPRequest) (any, error) {
	handle, ok := a.routes[req.RouteKey]
	if !ok {
		return nil, notFound("This path or method does not exist: see the API description for those that do.")
	}
	owner := subject(req)
	if owner == "" {
		return nil, &problemError{status: http.StatusUnauthorized, detail: "The request has no signed-in owner: sign in and send the access token."}
	}
	return handle(ctx, owner, req)
}

// subject of the verified token, "" when there is none.
func subject(req *events.APIGatewayV2HTTPRequest) string {
	if a := req.RequestContext.Authorizer; a != nil && a.JWT != nil {
		return a.JWT.Claims["sub"]
	}
	return ""
}
