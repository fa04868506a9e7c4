package frontdoor

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"porchlight/internal/localcloud/awsapi"
	"porchlight/internal/localcloud/sts"
)

// Gateway verifies how clients of MQTT over WebSocket prove who they are: by a
// presigned query, as described in "Device communication protocols" of the AWS
// IoT Core developer guide. It differs from other presigned requests in three
// points: the session token may be added after signing, X-Amz-Expires may be
// missing, and clients disagree on whether the signed host has a port.
type Gateway struct {
	Region string
	Keys   Keys
	Now    func() time.Time
}

const (
	gatewayService = "iotdevicegateway"
	gatewayExpires = "300" // seconds, where the client names none
	tokenParameter = "X-Amz-Security-Token"
	emptyHash      = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // of no body
)

// Verify returns who signed r. Errors are of type *awsapi.Error.
func (g Gateway) Verify(r *http.Request) (sts.Principal, error) {
	sig, err := g.parse(r)
	if err != nil {
		return sts.Principal{}, err
	}
	if sig.region != g.Region || sig.service != gatewayService {
		return sts.Principal{}, errMismatch("sign for the service " + gatewayService + " in the region " + g.Region)
	}
	principal, secret, err := g.Keys.Lookup(sig.keyID, sig.token)
	if err != nil {
		return sts.Principal{}, keyError(err)
	}
	if err := sig.checkTime(g.Now()); err != nil {
		return sts.Principal{}, err
	}
	key := sig.signingKey(secret)
	for _, host := range hosts(r.Host) {
		for _, query := range []string{r.URL.RawQuery, without(r.URL.RawQuery, tokenParameter)} {
			variant := r.Clone(r.Context())
			variant.Host, variant.URL.RawQuery = host, query
			sig.canonicalHeaderString = canonicalHeaders(variant, sig.signedHeaders)
			if sig.matches(key, sig.canonicalRequest(variant, false, emptyHash)) {
				return principal, nil
			}
		}
	}
	return sts.Principal{}, errMismatch("the signature does not match: check the secret access key, host and path")
}

// parse reads the signature; a missing expiry is filled in, but not signed.
func (g Gateway) parse(r *http.Request) (*signature, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errIncomplete("the query string cannot be read")
	}
	if !query.Has("X-Amz-Signature") {
		return nil, &awsapi.Error{Code: "ForbiddenException", Status: http.StatusForbidden,
			Message: "the address is not presigned: sign the query for " + gatewayService}
	}
	if !query.Has("X-Amz-Expires") {
		query.Set("X-Amz-Expires", gatewayExpires)
	}
	return parsePresigned(r, query)
}

// hosts are what a client may have signed as the host it talks to.
func hosts(host string) []string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return []string{host, name}
	}
	return []string{host}
}

// without removes a parameter from a raw query and leaves the rest as it was.
func without(raw, name string) string {
	var kept []string
	for _, pair := range strings.Split(raw, "&") {
		if key, _, _ := strings.Cut(pair, "="); key != name {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}
