package provision

import (
	"errors"
	"net/http"

	"porchlight/internal/localcloud/iotcore/pki"
	"porchlight/internal/localcloud/iotcore/registry"
)

var (
	errPayload  = errors.New("the payload is not the JSON object that was expected")
	errCBOR     = errors.New("CBOR payloads are not served by the local IoT Core: use the json topics")
	errTemplate = errors.New("there is no such provisioning template")
	errDenied   = errors.New("access denied")
)

// rejection is the payload of /rejected.
type rejection struct {
	StatusCode   int    `json:"statusCode"`
	ErrorCode    string `json:"errorCode"`
	ErrorMessage string `json:"errorMessage"`
}

// rejection spells an error. AWS documents the form, and of the codes only that
// hooks deny with access denied; the others are those seen from it.
func (s *Service) rejection(err error) rejection {
	if errors.Is(err, errDenied) { // why is for the log, not for the device
		return rejection{http.StatusForbidden, "AccessDenied", "Access denied"}
	}
	for _, known := range []struct {
		sentinel error
		status   int
		code     string
	}{
		{errTemplate, http.StatusNotFound, "ResourceNotFound"},
		{errPayload, http.StatusBadRequest, "InvalidPayload"},
		{errCBOR, http.StatusBadRequest, "InvalidPayload"},
		{errParameter, http.StatusBadRequest, "InvalidParameters"},
		{pki.ErrRequest, http.StatusBadRequest, "InvalidCertificateSigningRequest"},
		{registry.ErrToken, http.StatusBadRequest, "InvalidCertificateOwnershipToken"},
		{registry.ErrExists, http.StatusConflict, "ResourceAlreadyExists"},
		{registry.ErrInvalid, http.StatusBadRequest, "InvalidParameters"},
		{registry.ErrLimit, http.StatusBadRequest, "LimitExceeded"},
		{registry.ErrThrottled, http.StatusTooManyRequests, "Throttling"},
	} {
		if !errors.Is(err, known.sentinel) {
			continue
		}
		return rejection{known.status, known.code, err.Error()}
	}
	s.cfg.Log.Error("provisioning failed", "error", err)
	return rejection{http.StatusInternalServerError, "InternalFailure", "Internal failure"}
}

// cbor encodes a rejection (RFC 8949): a map of three texts to a number and
// two texts.
func (r rejection) cbor() []byte {
	b := []byte{0xa3}
	text := func(t string) {
		b = append(b, 0x79, byte(len(t)>>8), byte(len(t)))
		b = append(b, t...)
	}
	text("statusCode")
	b = append(b, 0x19, byte(r.StatusCode>>8), byte(r.StatusCode))
	text("errorCode")
	text(r.ErrorCode)
	text("errorMessage")
	text(r.ErrorMessage)
	return b
}
