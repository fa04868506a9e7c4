package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"porchlight/internal/cloud/cursor"
	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
)

// Store holds the owner's things.
type Store interface {
	Cameras(ctx context.Context, owner string) ([]*store.Camera, error)
	HasCamera(ctx context.Context, owner, camera string) (bool, error)
	Event(ctx context.Context, owner, id string) (*event.Event, error)
	Events(ctx context.Context, owner string, q store.Query) (*store.Page, error)
}

// Presign returns a URL at which anyone can read the object for a short while.
type Presign func(ctx context.Context, key string) (url string, err error)

// Config of an API.
type Config struct {
	Store   Store
	Cursors *cursor.Signer
	Presign Presign
	Log     *slog.Logger
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
	a := &API{cfg: cfg}
	a.routes = map[string]handler{
		"GET /v1/cameras":           a.listCameras,
		"GET /v1/events":            a.listEvents,
		"GET /v1/events/{event_id}": a.getEvent,
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
		problem := a.problem(ctx, &req, err)
		res.StatusCode, body = problem.Status, problem
		res.Headers["content-type"] = "application/problem+json"
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
		return nil, &problemError{http.StatusUnauthorized, "The request has no signed-in owner: sign in and send the access token."}
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
