package jobs

import (
	"errors"
	"fmt"
	"net/http"

	"porchlight/internal/localcloud/awsapi"
)

// Error is a refusal. Code is that of "ErrorResponse" in the developer guide,
// or, for what only the control plane refuses, the name of its exception
// without the ending.
type Error struct {
	Code    string
	Message string
	// State is the execution's, where that is what stands in the way.
	State *executionState
}

func (e *Error) Error() string { return "jobs: " + e.Code + ": " + e.Message }

// Codes of refusals.
const (
	codeInvalidJSON     = "InvalidJson"
	codeInvalidRequest  = "InvalidRequest"
	codeTransition      = "InvalidStateTransition"
	codeNotFound        = "ResourceNotFound"
	codeVersionMismatch = "VersionMismatch"
	codeInternal        = "InternalError"
	codeTerminal        = "TerminalStateReached"
	codeExists          = "ResourceAlreadyExists" // control plane
	codeLimit           = "LimitExceeded"         // control plane
)

func refuse(code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return refuse(codeInvalidRequest, format, args...)
}

func errNoJob(id string) error { return refuse(codeNotFound, "Job %s cannot be found.", id) }

func errNoExecution(thing, id string) error {
	return refuse(codeNotFound, "Execution of job %s on thing %s cannot be found.", id, thing)
}

// refusal is what the client is told of an error; others than refusals are
// logged here.
func (s *Service) refusal(what string, err error) *Error {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal
	}
	s.cfg.Log.Error("jobs request failed", "request", what, "error", err)
	return &Error{Code: codeInternal, Message: "Internal failure"}
}

// api is the error as the HTTP APIs spell it. On the data plane there is no
// exception for versions; the one with the same status says it best.
func (e *Error) api(controlPlane bool) *awsapi.Error {
	out := &awsapi.Error{Code: e.Code + "Exception", Message: e.Message, Status: http.StatusBadRequest}
	switch e.Code {
	case codeInvalidJSON, codeInvalidRequest:
		out.Code = "InvalidRequestException"
	case codeNotFound:
		out.Status = http.StatusNotFound
	case codeTransition, codeExists:
		out.Status = http.StatusConflict
	case codeVersionMismatch:
		out.Code, out.Status = "InvalidStateTransitionException", http.StatusConflict
		if controlPlane {
			out.Code = "VersionConflictException"
		}
	case codeTerminal:
		out.Code, out.Status = "TerminalStateException", http.StatusGone
	case codeLimit:
		out.Status = http.StatusGone
	default:
		out.Code, out.Status = "ServiceUnavailableException", http.StatusServiceUnavailable
	}
	return out
}
