package capture

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
)

// explain turns a fault of an RTSP connection into one of this package's
// errors with cause and cure. No text in it holds credentials.
func (s *rtspSource) explain(err error) error {
	if err == nil {
		err = io.EOF
	}
	var (
		status      liberrors.ErrClientBadStatusCode
		auth        liberrors.ErrClientAuthSetup
		certificate *tls.CertificateVerificationError
		network     *net.OpError
		timeout     liberrors.ErrClientRequestTimedOut
		silent      liberrors.ErrClientTCPTimeout
		where       = s.url.Host
	)
	text := Redact(err.Error())
	switch {
	case errors.As(err, &status) && (status.Code == base.StatusUnauthorized || status.Code == base.StatusForbidden):
		if s.url.User == nil {
			return fmt.Errorf("%w: %s wants a user name and password; write rtsp://user:password@%s/…", ErrUnauthorized, where, where)
		}
		return fmt.Errorf("%w: %s; check both, and that the camera allows RTSP for this user", ErrUnauthorized, where)
	case errors.As(err, &status) && status.Code == base.StatusNotFound:
		return fmt.Errorf("%w: %s has no stream at this path; the camera's manual names it", ErrNotFound, where)
	case errors.As(err, &auth):
		return fmt.Errorf("%w: %s asks for an unknown kind of sign-in (%s)", ErrUnauthorized, where, text)
	case errors.As(err, &certificate):
		return fmt.Errorf("%w: the certificate of %s is not trusted (%s); use rtsp:// or install its CA", ErrUnreachable, where, text)
	case errors.As(err, &timeout):
		return fmt.Errorf("%w: %s accepts connections but does not answer; check that this is its RTSP port", ErrUnreachable, where)
	case errors.As(err, &silent):
		return fmt.Errorf("%w: nothing from %s for %s; check the camera and its network", ErrStalled, where, s.cfg.Timeout)
	case errors.As(err, &network) && network.Op == "dial":
		return fmt.Errorf("%w: %s (%s); check that it is switched on, its address and its port", ErrUnreachable, where, text)
	default:
		return fmt.Errorf("%w: connection to %s broke (%s)", ErrUnreachable, where, text)
	}
}
