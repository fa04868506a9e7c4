package provision

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"porchlight/internal/localcloud/iotcore/pki"
	"porchlight/internal/localcloud/iotcore/registry"
)

// Template is one provisioning template.
type Template struct {
	Name    string
	ARN     string
	RoleARN string
	HookARN string // empty: none
	Enabled bool
	Body    *Body
}

// hookLife is how long a pre-provisioning hook may take, as on AWS.
const hookLife = 5 * time.Second

// Config wires the service. HookTimeout has a default; Authorize and Hook are
// needed where there are templates.
type Config struct {
	Registry  *registry.Registry
	Authority *pki.Authority
	Templates []Template
	ARN       func(kind, name string) string
	Policies  func(name string) bool // whether a policy of that name exists
	// Authorize asks whether a role may do something; the error says why not.
	Authorize func(roleARN, action, resource string) error
	// Hook invokes a function for a template and returns what it returned; that
	// the function failed is an error.
	Hook        func(ctx context.Context, functionARN, templateARN string, payload []byte) ([]byte, error)
	HookTimeout time.Duration
	Log         *slog.Logger
}

// Service answers the requests of devices. It is safe for concurrent use.
type Service struct {
	cfg       Config
	templates map[string]Template
}

// New returns a service.
func New(cfg Config) *Service {
	if cfg.HookTimeout == 0 {
		cfg.HookTimeout = hookLife
	}
	s := &Service{cfg: cfg, templates: map[string]Template{}}
	for _, t := range cfg.Templates {
		s.templates[t.Name] = t
	}
	return s
}

// Client is who asks.
type Client struct {
	ClientID      string
	CertificateID string // empty when it came without a certificate
}

// Answer goes to the topic of the request with Suffix added.
type Answer struct {
	Suffix  string // /accepted or /rejected
	Payload []byte
}

// Handle carries out one request.
func (s *Service) Handle(ctx context.Context, t Topic, payload []byte, from Client) Answer {
	var result any
	err := errCBOR
	if !t.CBOR {
		result, err = s.handle(ctx, t, payload, from)
	}
	if err != nil {
		r := s.rejection(err)
		s.cfg.Log.Warn("provisioning request rejected", "client", from.ClientID, "certificate", from.CertificateID,
			"template", t.Template, "code", r.ErrorCode, "error", err)
		if t.CBOR {
			return Answer{"/rejected", r.cbor()}
		}
		result = r
	}
	b, encodeErr := json.Marshal(result)
	if encodeErr != nil { // strings and numbers always encode
		panic(encodeErr)
	}
	if err != nil {
		return Answer{"/rejected", b}
	}
	return Answer{"/accepted", b}
}

func (s *Service) handle(ctx context.Context, t Topic, payload []byte, from Client) (any, error) {
	switch t.Operation {
	case CreateKeys:
		return s.createKeys(payload, from)
	case CreateFromCSR:
		return s.createFromCSR(payload, from)
	default:
		return s.register(ctx, t.Template, payload, from)
	}
}

// created answers a request for a certificate.
type created struct {
	CertificateID             string `json:"certificateId"`
	CertificatePEM            string `json:"certificatePem"`
	PrivateKey                string `json:"privateKey,omitempty"`
	CertificateOwnershipToken string `json:"certificateOwnershipToken"`
}

func (s *Service) createKeys(payload []byte, from Client) (any, error) {
	if len(bytes.TrimSpace(payload)) > 0 { // AWS wants it empty, SDKs send {}
		if err := decode(payload, &struct{}{}); err != nil {
			return nil, err
		}
	}
	certPEM, keyPEM, _, err := s.cfg.Authority.Client(0)
	if err != nil {
		return nil, err
	}
	return s.pend(certPEM, keyPEM, from)
}

func (s *Service) createFromCSR(payload []byte, from Client) (any, error) {
	var in struct {
		CertificateSigningRequest string `json:"certificateSigningRequest"`
	}
	if err := decode(payload, &in); err != nil {
		return nil, err
	}
	certPEM, err := s.cfg.Authority.SignRequest([]byte(in.CertificateSigningRequest))
	if err != nil {
		return nil, err
	}
	return s.pend(certPEM, nil, from)
}

func (s *Service) pend(certPEM, keyPEM []byte, from Client) (any, error) {
	id, token, err := s.cfg.Registry.AddPending(certPEM, from.CertificateID)
	if err != nil {
		return nil, err
	}
	s.cfg.Log.Info("certificate issued for provisioning", "certificate", id, "client", from.ClientID, "claim", from.CertificateID)
	return created{id, string(certPEM), string(keyPEM), token}, nil
}

func decode(payload []byte, into any) error {
	if err := json.Unmarshal(payload, into); err != nil {
		return fmt.Errorf("%w: %w", errPayload, err)
	}
	return nil
}

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
