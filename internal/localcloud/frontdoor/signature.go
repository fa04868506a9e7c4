package frontdoor

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"porchlight/internal/localcloud/awsapi"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	unsigned   = "UNSIGNED-PAYLOAD"
	// maxPresign is the longest a presigned URL may live.
	maxPresign = 7 * 24 * time.Hour
)

// signature is what a request says about how it was signed.
type signature struct {
	keyID, token          string
	day, region, service  string
	signedHeaders         []string // lower case, in the order of the request
	hex                   string
	at                    time.Time
	presigned             bool
	expires               time.Duration // presigned only
	declaredPayload       string
	canonicalHeaderString string
}

func parseSignature(r *http.Request) (*signature, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errIncomplete("the query string cannot be read")
	}
	auth := r.Header.Get("Authorization")
	switch {
	case auth != "" && query.Has("X-Amz-Signature"):
		return nil, errIncomplete("sign in the header or in the query, not in both")
	case query.Has("X-Amz-Signature"):
		return parsePresigned(r, query)
	case auth == "":
		return nil, errMissing()
	}
	rest, ok := strings.CutPrefix(auth, algorithm+" ")
	if !ok {
		return nil, errIncomplete("only " + algorithm + " signatures are accepted")
	}
	fields := map[string]string{}
	for _, f := range strings.Split(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(f), "=")
		fields[k] = v
	}
	s := &signature{hex: fields["Signature"], token: r.Header.Get("X-Amz-Security-Token"),
		declaredPayload: r.Header.Get("X-Amz-Content-Sha256")}
	stamp := r.Header.Get("X-Amz-Date")
	if stamp == "" {
		if t, err := http.ParseTime(r.Header.Get("Date")); err == nil {
			stamp = t.UTC().Format(timeFormat)
		}
	}
	return s, s.fill(r, fields["Credential"], fields["SignedHeaders"], stamp)
}

func parsePresigned(r *http.Request, q url.Values) (*signature, error) {
	if q.Get("X-Amz-Algorithm") != algorithm {
		return nil, errIncomplete("only " + algorithm + " signatures are accepted")
	}
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || seconds < 1 || time.Duration(seconds)*time.Second > maxPresign {
		return nil, errIncomplete("X-Amz-Expires must be 1 to 604800 seconds")
	}
	s := &signature{presigned: true, hex: q.Get("X-Amz-Signature"), token: q.Get("X-Amz-Security-Token"),
		expires: time.Duration(seconds) * time.Second, declaredPayload: q.Get("X-Amz-Content-Sha256")}
	if s.declaredPayload == "" {
		s.declaredPayload = r.Header.Get("X-Amz-Content-Sha256")
	}
	return s, s.fill(r, q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Date"))
}

func (s *signature) fill(r *http.Request, credential, headers, stamp string) error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[4] != "aws4_request" || headers == "" || len(s.hex) != 64 {
		return errIncomplete("the signature lacks its credential scope, signed headers or value")
	}
	at, err := time.Parse(timeFormat, stamp)
	if err != nil || at.Format("20060102") != parts[1] {
		return errIncomplete("the date is missing, malformed or not that of the credential scope")
	}
	s.keyID, s.day, s.region, s.service, s.at = parts[0], parts[1], parts[2], parts[3], at
	s.signedHeaders = strings.Split(headers, ";")
	if !slices.Contains(s.signedHeaders, "host") {
		return errIncomplete("the host header must be signed")
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if name == "x-amz-security-token" && s.service == "kinesisvideo" {
			continue // the C producer adds it after signing; it is sealed and bound to the key
		}
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(s.signedHeaders, name) {
			return errMismatch("the header " + name + " is not signed")
		}
	}
	s.canonicalHeaderString = canonicalHeaders(r, s.signedHeaders)
	return nil
}

// checkTime refuses signatures made too long ago, or for later.
func (s *signature) checkTime(now time.Time) error {
	if s.presigned {
		if now.After(s.at.Add(s.expires)) {
			return &awsapi.Error{Code: "AccessDeniedException", QueryCode: "AccessDenied", Status: http.StatusForbidden,
				Message: "Request has expired: ask for a new link"}
		}
		if s.at.After(now.Add(maxSkew)) {
			return &awsapi.Error{Code: "AccessDeniedException", QueryCode: "AccessDenied", Status: http.StatusForbidden,
				Message: "Request is not yet valid: check the clock of the machine that signed it"}
		}
		return nil
	}
	if off := now.Sub(s.at); off > maxSkew || off < -maxSkew {
		return &awsapi.Error{Code: "InvalidSignatureException", QueryCode: "RequestTimeTooSkewed", Status: http.StatusForbidden,
			JSONStatus: http.StatusBadRequest,
			Message:    "the request was signed at " + s.at.Format(time.RFC3339) + " and it is " + now.UTC().Format(time.RFC3339) + ": set the clock"}
	}
	return nil
}

func (s *signature) scope() string { return s.day + "/" + s.region + "/" + s.service + "/aws4_request" }

func (s *signature) signingKey(secret string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.day, s.region, s.service, "aws4_request"} {
		key = hmacSHA256(key, part)
	}
	return key
}

func (s *signature) matches(key []byte, canonical string) bool {
	toSign := algorithm + "\n" + s.at.Format(timeFormat) + "\n" + s.scope() + "\n" + hexSHA256([]byte(canonical))
	return equalHex(s.hex, hmacSHA256(key, toSign))
}

func equalHex(given string, want []byte) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(hex.EncodeToString(want))) == 1
}

func hmacSHA256(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
