package frontdoor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"porchlight/internal/localcloud/awsapi"
	"porchlight/internal/localcloud/sts"
)

const (
	// maxSkew is how far a client's clock may be off, either way.
	maxSkew = 5 * time.Minute
	// DefaultMaxBody bounds a request body, in bytes.
	DefaultMaxBody = 16 << 20
	// objectBodies is how much larger an object may be, which is a file: the
	// software of a device has some 40 MB.
	objectBodies = 8
)

// Keys tells who a key id stands for and the secret it signs with; its errors are those of sts.
type Keys interface {
	Lookup(accessKeyID, sessionToken string) (sts.Principal, string, error)
}

// Authorizer decides what a role session may do; nil allows, an error says
// why not. Root is never asked about.
type Authorizer interface {
	Authorize(p sts.Principal, action, resource string) error
}

// Config wires the front door.
type Config struct {
	Region, AccountID string
	Partition         string // "aws" when empty
	Keys              Keys
	Authorizer        Authorizer
	// Handlers by signing name: dynamodb, s3, sns, sqs, secretsmanager, iot, iotdata,
	// iot-jobs-data, rekognition, sts, kinesisvideo.
	// A handler finds the signer with sts.PrincipalFrom and the parsed form in r.Form.
	Handlers map[string]http.Handler
	// SecretARN turns a secret's name or ARN into its ARN; an unknown one may come back as it is.
	SecretARN func(id string) string
	// StreamARN turns a video stream's name or ARN into its ARN.
	StreamARN func(id string) string
	// ChannelARN turns a signaling channel's name or ARN into its ARN.
	ChannelARN func(id string) string
	// Sessions take, by path prefix, requests that carry a session token of
	// theirs, which they check, and no signature.
	Sessions map[string]http.Handler
	MaxBody  int64            // bytes; DefaultMaxBody when 0; S3 takes eight times as much
	Now      func() time.Time // time.Now when nil
	Logger   *slog.Logger
}

// Door is the front door.
type Door struct{ cfg Config }

// New checks the wiring and returns the front door.
func New(cfg Config) (*Door, error) {
	if cfg.Keys == nil || cfg.Authorizer == nil || cfg.Logger == nil || cfg.Region == "" || cfg.AccountID == "" {
		return nil, errors.New("front door: region, account, keys, authorizer and logger must be given")
	}
	for name := range cfg.Handlers {
		if _, ok := services()[name]; !ok {
			return nil, fmt.Errorf("front door: no actions are known for service %q", name)
		}
	}
	if cfg.Partition == "" {
		cfg.Partition = "aws"
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.SecretARN == nil {
		cfg.SecretARN = func(id string) string { return id }
	}
	if cfg.StreamARN == nil {
		cfg.StreamARN = func(id string) string { return id }
	}
	if cfg.ChannelARN == nil {
		cfg.ChannelARN = func(id string) string { return id }
	}
	return &Door{cfg: cfg}, nil
}

// ServeHTTP verifies, authorizes and dispatches one request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(awsapi.RequestIDHeader, awsapi.NewRequestID())
	if h := d.session(r); h != nil {
		h.ServeHTTP(w, r)
		return
	}
	sig, err := parseSignature(r)
	if err != nil {
		d.refuse(w, r, guessProtocol(r), err)
		return
	}
	svc, known := services()[sig.service]
	handler := d.cfg.Handlers[svc.name]
	if !known || handler == nil {
		d.refuse(w, r, guessProtocol(r), &awsapi.Error{Code: "UnknownService", Status: http.StatusNotFound,
			Message: fmt.Sprintf("the local cloud does not serve %q", sig.service)})
		return
	}
	protocol := svc.protocol(r)
	principal, body, err := d.verify(r, sig, svc)
	if err != nil {
		d.refuse(w, r, protocol, err)
		return
	}
	r = r.WithContext(sts.WithPrincipal(r.Context(), principal))
	if !svc.streaming(r) {
		if err := setBody(r, body, protocol); err != nil {
			d.refuse(w, r, protocol, err)
			return
		}
	}
	if err := d.authorize(r, svc, principal, body); err != nil {
		d.refuse(w, r, protocol, err)
		return
	}
	handler.ServeHTTP(w, r)
}

// session returns the handler of a request that carries a session token.
func (d *Door) session(r *http.Request) http.Handler {
	if r.Header.Get("Authorization") != "" || !r.URL.Query().Has("SessionToken") {
		return nil
	}
	for prefix, h := range d.cfg.Sessions {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return h
		}
	}
	return nil
}

func (s service) streaming(r *http.Request) bool { return s.streams != nil && s.streams(r) }

// verify returns who signed the request and its body, decoded and checked.
func (d *Door) verify(r *http.Request, sig *signature, svc service) (sts.Principal, []byte, error) {
	if sig.region != d.cfg.Region {
		return sts.Principal{}, nil, &awsapi.Error{Code: "InvalidSignatureException", QueryCode: "SignatureDoesNotMatch",
			Status: http.StatusForbidden, JSONStatus: http.StatusBadRequest,
			Message: fmt.Sprintf("the credential is scoped to region %q: use %q", sig.region, d.cfg.Region)}
	}
	principal, secret, err := d.cfg.Keys.Lookup(sig.keyID, sig.token)
	if err != nil {
		return sts.Principal{}, nil, keyError(err)
	}
	if err := sig.checkTime(d.cfg.Now()); err != nil {
		return sts.Principal{}, nil, err
	}
	var raw []byte
	var payload string
	if svc.streaming(r) {
		payload, err = sig.streamHash()
	} else if raw, err = readBody(r, d.limit(svc)); err == nil {
		payload, err = sig.payloadHash(r, raw, svc.name == "s3")
	}
	if err != nil {
		return sts.Principal{}, nil, err
	}
	key := sig.signingKey(secret)
	if !sig.matches(key, sig.canonicalRequest(r, svc.name == "s3", payload)) {
		return sts.Principal{}, nil, errMismatch("the signature does not match: check the secret access key, and that nothing changes the request on its way")
	}
	if isStreaming(payload) && svc.name == "s3" {
		raw, err = sig.decodeChunks(key, payload, r.Header, raw)
	}
	return principal, raw, err
}

// limit bounds the body of a request to a service.
func (d *Door) limit(svc service) int64 {
	if svc.name == "s3" {
		return d.cfg.MaxBody * objectBodies
	}
	return d.cfg.MaxBody
}

func readBody(r *http.Request, limit int64) ([]byte, error) {
	tooLarge := &awsapi.Error{Code: "RequestEntityTooLargeException", QueryCode: "EntityTooLarge", Status: http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("the request is larger than the %d bytes allowed here", limit)}
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, &awsapi.Error{Code: "RequestTimeout", Status: http.StatusBadRequest, Message: "the request body broke off: send it again"}
	}
	if int64(len(body)) > limit {
		return nil, tooLarge
	}
	return body, nil
}

// setBody gives the handler the verified body; for the query protocol also its form.
func setBody(r *http.Request, body []byte, p awsapi.Protocol) error {
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.TransferEncoding = nil
	r.Header.Set("Content-Length", fmt.Sprint(len(body)))
	if p != awsapi.Query {
		return nil
	}
	if err := r.ParseForm(); err != nil {
		return &awsapi.Error{Code: "MalformedQueryString", Status: http.StatusBadRequest, Message: "the form cannot be read: " + err.Error()}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

func (d *Door) authorize(r *http.Request, svc service, p sts.Principal, body []byte) error {
	needs, err := svc.needs(scope{d.cfg.Partition, d.cfg.Region, d.cfg.AccountID, d.cfg.SecretARN, d.cfg.StreamARN, d.cfg.ChannelARN}, r, body)
	if err != nil {
		return err
	}
	if p.Root {
		return nil
	}
	for _, n := range needs {
		if err := d.cfg.Authorizer.Authorize(p, n.action, n.resource); err != nil {
			d.cfg.Logger.Warn("request denied", "principal", p.ARN, "action", n.action, "resource", n.resource, "reason", err)
			return denied(p, n, err)
		}
	}
	return nil
}

func (d *Door) refuse(w http.ResponseWriter, r *http.Request, p awsapi.Protocol, err error) {
	var answer *awsapi.Error
	if !errors.As(err, &answer) {
		d.cfg.Logger.Error("request failed", "err", err)
		answer = &awsapi.Error{Code: "InternalFailure", Status: http.StatusInternalServerError, Message: "the local cloud failed: see its log"}
	}
	if streamsBody(r) {
		defer awsapi.Unread(w, r)()
	}
	awsapi.WriteError(w, p, answer)
}
