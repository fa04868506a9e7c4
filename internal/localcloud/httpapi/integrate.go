package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// integrate invokes the route's function and writes its answer.
func (a *API) integrate(w http.ResponseWriter, r *http.Request, rt *route, event []byte) {
	log := a.cfg.Logger.With("route", rt.key)
	if !rt.permitted {
		log.Error("no AWS::Lambda::Permission lets the HTTP API invoke the function", "function", rt.function)
		fail(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), rt.timeout)
	defer cancel()
	response, functionError, err := a.cfg.Invoke(ctx, rt.function, event)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		log.Error("function took longer than the integration may", "limit", rt.timeout)
		fail(w, http.StatusServiceUnavailable, "Service Unavailable")
	case err != nil:
		log.Error("function could not be invoked", "error", err)
		fail(w, http.StatusInternalServerError, "Internal Server Error")
	case functionError != "":
		log.Error("function failed", "error", string(response))
		fail(w, http.StatusInternalServerError, "Internal Server Error")
	default:
		if err := respond(w, response, a.cfg.API.CorsConfiguration != nil); err != nil {
			log.Error("function answered with what is no HTTP response", "error", err)
			fail(w, http.StatusInternalServerError, "Internal Server Error")
		}
	}
}

// refuse answers a request that its authorizer did not let through.
func (a *API) refuse(w http.ResponseWriter, rt *route, err error) {
	a.cfg.Logger.Info("request not authorized", "route", rt.key, "error", err)
	var scope *scopeError
	if errors.As(err, &scope) {
		w.Header().Set("Www-Authenticate", fmt.Sprintf(`Bearer scope=%q error="insufficient_scope" error_description="the token does not have any of the required scopes"`, strings.Join(rt.scopes, " ")))
		fail(w, http.StatusForbidden, "Forbidden")
		return
	}
	challenge := "Bearer"
	if !errors.Is(err, errNoToken) {
		challenge = fmt.Sprintf(`Bearer scope=%q error="invalid_token" error_description="the token is not valid"`, strings.Join(rt.scopes, " "))
	}
	w.Header().Set("Www-Authenticate", challenge)
	fail(w, http.StatusUnauthorized, "Unauthorized")
}

func fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write([]byte(`{"message":"` + message + `"}`))
}
