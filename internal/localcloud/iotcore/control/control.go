// Package control serves the part of the AWS IoT control plane that manages
// certificates, things, policies and provisioning templates, over HTTP as the
// AWS CLI and SDKs speak it (restJson1, signing name iot).
//
// Source: the AWS IoT API reference. Callers have been authenticated and
// authorized before.
package control

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"porchlight/internal/localcloud/awsapi"
	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/iotcore/pki"
	"porchlight/internal/localcloud/iotcore/registry"
)

// maxBody bounds a request, in bytes. The largest is a signing request.
const maxBody = 64 << 10

// Config wires the control plane. All fields are required.
type Config struct {
	Registry  *registry.Registry
	Authority *pki.Authority
	Policies  map[string]iam.Document // by name
	Templates map[string]Template     // provisioning templates, by name
	AccountID string
	ARN       func(kind, name string) string
	// Endpoint returns the host:port of an endpoint type such as iot:Data-ATS.
	Endpoint func(endpointType string) (string, bool)
	Now      func() time.Time
	Log      *slog.Logger
}

// Template describes a provisioning template.
type Template struct {
	Description, Body, RoleARN string
	Enabled                    bool
	HookARN, HookVersion       string // empty: no hook
}

type control struct {
	Config
	since time.Time // creation date of what comes from the CloudFormation template
}

// New returns the control plane. Handlers for other paths may be added.
func New(cfg Config) *http.ServeMux {
	c := &control{Config: cfg, since: cfg.Now()}
	mux := http.NewServeMux()
	for pattern, operation := range map[string]func(r *http.Request) (any, error){
		"POST /things/{thing}":              c.createThing,
		"GET /things/{thing}":               c.describeThing,
		"PATCH /things/{thing}":             c.updateThing,
		"DELETE /things/{thing}":            c.deleteThing,
		"GET /things":                       c.listThings,
		"PUT /things/{thing}/principals":    c.attachThingPrincipal,
		"DELETE /things/{thing}/principals": c.detachThingPrincipal,
		"GET /things/{thing}/principals":    c.listThingPrincipals,
		"GET /principals/things":            c.listPrincipalThings,

		"POST /keys-and-certificate":         c.createKeysAndCertificate,
		"POST /certificates":                 c.createCertificateFromCsr,
		"GET /certificates":                  c.listCertificates,
		"GET /certificates/{certificate}":    c.describeCertificate,
		"PUT /certificates/{certificate}":    c.updateCertificate,
		"DELETE /certificates/{certificate}": c.deleteCertificate,

		"GET /policies":                                          c.listPolicies,
		"GET /policies/{policy}":                                 c.getPolicy,
		"PUT /target-policies/{policy}":                          c.attachPolicy,
		"POST /target-policies/{policy}":                         c.detachPolicy,
		"POST /attached-policies/{target}":                       c.listAttachedPolicies,
		"POST /policy-targets/{policy}":                          c.listTargetsForPolicy,
		"GET /endpoint":                                          c.describeEndpoint,
		"GET /provisioning-templates":                            c.listProvisioningTemplates,
		"GET /provisioning-templates/{name}":                     c.describeProvisioningTemplate,
		"POST /provisioning-templates/{name}/provisioning-claim": c.createProvisioningClaim,
	} {
		mux.HandleFunc(pattern, c.serve(operation))
	}
	return mux
}

// serve answers with what an operation returns; nothing is an empty object.
func (c *control) serve(operation func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		answer, err := operation(r)
		if err != nil {
			awsapi.WriteError(w, awsapi.RESTJSON, c.failure(r, err))
			return
		}
		if answer == nil {
			answer = struct{}{}
		}
		awsapi.WriteJSON(w, awsapi.RESTJSON, http.StatusOK, answer)
	}
}

// failure spells an error as AWS IoT does.
func (c *control) failure(r *http.Request, err error) *awsapi.Error {
	for _, known := range []struct {
		sentinel error
		code     string
		status   int
	}{
		{registry.ErrNotFound, "ResourceNotFoundException", http.StatusNotFound},
		{registry.ErrExists, "ResourceAlreadyExistsException", http.StatusConflict},
		{registry.ErrInvalid, "InvalidRequestException", http.StatusBadRequest},
		{pki.ErrRequest, "InvalidRequestException", http.StatusBadRequest},
		{registry.ErrState, "CertificateStateException", http.StatusNotAcceptable},
		{registry.ErrDeleteConflict, "DeleteConflictException", http.StatusConflict},
		{registry.ErrVersion, "VersionConflictException", http.StatusConflict},
		{registry.ErrLimit, "LimitExceededException", http.StatusGone},
		{registry.ErrThrottled, "ThrottlingException", http.StatusBadRequest},
	} {
		if errors.Is(err, known.sentinel) {
			return &awsapi.Error{Code: known.code, Message: err.Error(), Status: known.status}
		}
	}
	c.Log.Error("iot request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	return &awsapi.Error{Code: "InternalFailureException", Message: "the local IoT Core failed: see its log", Status: http.StatusInternalServerError}
}

// body decodes a JSON body; none at all is an empty object.
func body(r *http.Request, into any) error {
	dec := json.NewDecoder(r.Body)
	if err := dec.Decode(into); err != nil && !isEmpty(r, err) {
		return invalid("the body is not the JSON object that was expected: %w", err)
	}
	return nil
}

func isEmpty(r *http.Request, err error) bool { return r.ContentLength == 0 && err.Error() == "EOF" }

// epoch is how restJson1 writes a time: seconds since 1970.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// certificateID reads the id out of the ARN of a certificate.
func (c *control) certificateID(arn string) (string, error) {
	id, ok := strings.CutPrefix(arn, c.ARN("cert", ""))
	if !ok || id == "" {
		return "", invalid("%q is not the ARN of a certificate of this account (%s…): other principals and groups are not served here", arn, c.ARN("cert", ""))
	}
	return id, nil
}
