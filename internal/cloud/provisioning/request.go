package provisioning

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"porchlight/internal/event"
)

// request is what is used of the hook's input.
type request struct {
	serial        string
	certificateID string
	publicKey     string // SHA-256 of the SubjectPublicKeyInfo, hex
	claim         string // id of the claim certificate
	clientID      string
}

// Bounds of the input; AWS IoT's own are wider.
const (
	maxInput      = 64 << 10 // bytes
	maxParameters = 64
	maxText       = 128 // bytes of what is logged
)

// certificateForm is a SHA-256 in hex.
var certificateForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

var errMalformed = errors.New("malformed request")

// parse reads the input. With an error it still returns what may be logged.
func parse(input []byte) (r request, err error) {
	if len(input) > maxInput {
		return r, fmt.Errorf("%w: %d bytes: at most %d", errMalformed, len(input), maxInput)
	}
	var in struct {
		ClaimCertificateID string            `json:"claimCertificateId"`
		CertificateID      string            `json:"certificateId"`
		CertificatePEM     string            `json:"certificatePem"`
		ClientID           string            `json:"clientId"`
		Parameters         map[string]string `json:"parameters"`
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return r, fmt.Errorf("%w: %w", errMalformed, err)
	}
	r = request{
		serial: clip(in.Parameters[ParameterSerial]), certificateID: clip(in.CertificateID),
		claim: clip(in.ClaimCertificateID), clientID: clip(in.ClientID),
	}
	if len(in.Parameters) > maxParameters {
		return r, fmt.Errorf("%w: %d parameters: at most %d", errMalformed, len(in.Parameters), maxParameters)
	}
	for _, name := range []string{ParameterThing, ParameterCredentialsEndpoint} {
		if _, given := in.Parameters[name]; given {
			return r, fmt.Errorf("%w: the device chose %s itself", errMalformed, name)
		}
	}
	if err := event.ValidateThing(r.serial); err != nil {
		return r, fmt.Errorf("%w: %s: want 1 to 64 of A-Z a-z 0-9 _ -", errMalformed, ParameterSerial)
	}
	if !certificateForm.MatchString(in.CertificateID) {
		return r, fmt.Errorf("%w: certificateId: want 64 lower-case hex digits", errMalformed)
	}
	r.publicKey, err = publicKey(in.CertificatePEM)
	return r, err
}

func publicKey(certificate string) (string, error) {
	block, rest := pem.Decode([]byte(certificate))
	if block == nil || block.Type != "CERTIFICATE" || slices.ContainsFunc(rest, func(b byte) bool { return b > ' ' }) {
		return "", fmt.Errorf("%w: certificatePem: want one certificate", errMalformed)
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("%w: certificatePem: %w", errMalformed, err)
	}
	sum := sha256.Sum256(parsed.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:]), nil
}

func clip(text string) string { return text[:min(len(text), maxText)] }
