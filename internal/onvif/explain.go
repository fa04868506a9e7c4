package onvif

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"porchlight/internal/capture"
)

// transient tells whether the same request may do better a moment later.
func transient(err error) bool {
	var (
		status  *statusError
		network *net.OpError
	)
	switch {
	case err == nil:
		return false
	case errors.As(err, &status):
		return status.code == http.StatusServiceUnavailable || status.code == http.StatusTooManyRequests || status.code == http.StatusBadGateway
	case errors.As(err, &network):
		return network.Op != "dial"
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// explain turns a fault into one of this package's errors. No text in it holds
// credentials.
func (t *transport) explain(r request, err error) error {
	var (
		f       *faultError
		status  *statusError
		network *net.OpError
		late    net.Error
		address *url.Error
		where   = r.service.Host
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f) && f.unauthorized():
		return t.unauthorized(where, f.reason)
	case errors.As(err, &f) && f.unsupported():
		return fmt.Errorf("%w: %s says to %s: %w", ErrUnsupported, where, r.name(), f)
	case errors.As(err, &f):
		return fmt.Errorf("%w: %s says to %s: %w", ErrRefused, where, r.name(), f)
	case errors.As(err, &status) && (status.code == http.StatusUnauthorized || status.code == http.StatusForbidden):
		return t.unauthorized(where, status.Error())
	case errors.As(err, &status):
		return fmt.Errorf("%w: %s answers %w to %s; check that this is its ONVIF port and that ONVIF is switched on in its settings",
			ErrBroken, where, status, r.name())
	case errors.As(err, &network) && network.Op == "dial":
		return fmt.Errorf("%w: %s (%s); check that it is switched on, its address and its ONVIF port", ErrUnreachable, where, capture.Redact(network.Error()))
	case errors.As(err, &late) && late.Timeout():
		return fmt.Errorf("%w: %s takes connections but does not answer in %s; check its ONVIF port, or restart it", ErrUnreachable, where, t.client.Timeout)
	case errors.As(err, &address):
		return fmt.Errorf("%w: connection to %s broke (%s); check that this is its ONVIF port, and its network",
			ErrUnreachable, where, clean(capture.Redact(address.Err.Error())))
	default:
		return fmt.Errorf("%w: %s, to %s: %s; check that this is its ONVIF port, and update its firmware",
			ErrBroken, where, r.name(), clean(capture.Redact(err.Error())))
	}
}

func (t *transport) unauthorized(where, reason string) error {
	if t.user == "" {
		return fmt.Errorf("%w: %s wants a user name and password (%s)", ErrUnauthorized, where, reason)
	}
	return fmt.Errorf("%w: %s (%s); check both, and that the camera has an ONVIF user of this name: many keep these apart from their other users",
		ErrUnauthorized, where, reason)
}

// name is what the request asks for, in ONVIF's words.
func (r request) name() string { return strings.TrimSuffix(r.want, "Response") }
