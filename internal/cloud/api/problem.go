package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"porchlight/internal/cloud/cursor"
	"porchlight/internal/cloud/store"
)

// problemError is an error whose text is written for the client.
type problemError struct {
	status int
	detail string // cause and cure
	kind   string // its type; empty where the status says it all
	again  int    // seconds after which to ask again; 0: not said
}

func (e *problemError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.detail) }

func notFound(detail string) error { return &problemError{status: http.StatusNotFound, detail: detail} }

// badParameter names the parameter, what is wrong and what is right.
func badParameter(name, format string, a ...any) error {
	return &problemError{status: http.StatusBadRequest, detail: "Parameter " + name + ": " + fmt.Sprintf(format, a...)}
}

// shown turns an error into what the client is told. What was not written for
// the client stays in the log.
func (a *API) shown(ctx context.Context, req *events.APIGatewayV2HTTPRequest, err error) *problemError {
	var shown *problemError
	switch {
	case errors.As(err, &shown):
		return shown
	case errors.Is(err, store.ErrNotFound):
		return &problemError{status: http.StatusNotFound, detail: "You have no such event: it may have expired, or the address is wrong."}
	case errors.Is(err, cursor.ErrBad):
		return &problemError{status: http.StatusBadRequest, detail: "Parameter cursor: not the next_cursor of a page with these filters: send it unchanged with the same filters, or start without it."}
	}
	if shown = videoProblem(err); shown != nil {
		a.cfg.Log.WarnContext(ctx, "no video", "request_id", req.RequestContext.RequestID, "route", req.RouteKey, "err", err)
		return shown
	}
	if shown = liveProblem(err); shown != nil {
		a.cfg.Log.WarnContext(ctx, "no live view", "request_id", req.RequestContext.RequestID, "route", req.RouteKey, "err", err)
		return shown
	}
	a.cfg.Log.ErrorContext(ctx, "request failed", "request_id", req.RequestContext.RequestID, "route", req.RouteKey, "err", err)
	return &problemError{
		status: http.StatusInternalServerError,
		detail: "Something failed on our side: try again in a moment. For support, name request " + req.RequestContext.RequestID + ".",
	}
}

// document is the error as an RFC 9457 problem.
func (e *problemError) document() Problem {
	return Problem{Type: e.kind, Title: http.StatusText(e.status), Status: e.status, Detail: e.detail}
}
