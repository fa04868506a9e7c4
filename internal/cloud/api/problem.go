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
}

func (e *problemError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.detail) }

func notFound(detail string) error { return &problemError{http.StatusNotFound, detail} }

// badParameter names the parameter, what is wrong and what is right.
func badParameter(name, format string, a ...any) error {
	return &problemError{http.StatusBadRequest, "Parameter " + name + ": " + fmt.Sprintf(format, a...)}
}

// problem turns an error into an RFC 9457 document. What was not written for
// the client stays in the log.
func (a *API) problem(ctx context.Context, req *events.APIGatewayV2HTTPRequest, err error) Problem {
	var shown *problemError
	switch {
	case errors.As(err, &shown):
	case errors.Is(err, store.ErrNotFound):
		shown = &problemError{http.StatusNotFound, "You have no such event: it may have expired, or the address is wrong."}
	case errors.Is(err, cursor.ErrBad):
		shown = &problemError{http.StatusBadRequest, "Parameter cursor: not the next_cursor of a page with these filters: send it unchanged with the same filters, or start without it."}
	default:
		a.cfg.Log.ErrorContext(ctx, "request failed", "request_id", req.RequestContext.RequestID, "route", req.RouteKey, "err", err)
		shown = &problemError{http.StatusInternalServerError, "Something failed on our side: try again in a moment. For support, name request " + req.RequestContext.RequestID + "."}
	}
	return Problem{Title: http.StatusText(shown.status), Status: shown.status, Detail: shown.detail}
}
