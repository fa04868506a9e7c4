package frontdoor

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// canonicalRequest rebuilds what the client signed. S3 signs the path encoded
// once; all other services sign the path as sent, encoded once more.
func (s *signature) canonicalRequest(r *http.Request, isS3 bool, payload string) string {
	path := r.URL.EscapedPath()
	if isS3 {
		if plain, err := url.PathUnescape(path); err == nil {
			path = plain
		}
	}
	if path == "" {
		path = "/"
	}
	return strings.Join([]string{
		r.Method, awsEscape(path, true), canonicalQuery(r.URL.RawQuery),
		s.canonicalHeaderString, strings.Join(s.signedHeaders, ";"), payload,
	}, "\n")
}

func canonicalQuery(raw string) string {
	var pairs []string
	for _, p := range strings.Split(raw, "&") {
		if p == "" {
			continue
		}
		k, v, _ := strings.Cut(p, "=")
		key, errK := url.QueryUnescape(k)
		value, errV := url.QueryUnescape(v)
		if errK != nil || errV != nil || key == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, awsEscape(key, false)+"="+awsEscape(value, false))
	}
	sort.Slice(pairs, func(i, j int) bool {
		ki, vi, _ := strings.Cut(pairs[i], "=")
		kj, vj, _ := strings.Cut(pairs[j], "=")
		if ki != kj {
			return ki < kj
		}
		return vi < vj
	})
	return strings.Join(pairs, "&")
}

func canonicalHeaders(r *http.Request, names []string) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	return b.String()
}

// headerValue restores the headers that net/http moves out of the header map.
func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	case "transfer-encoding":
		return strings.Join(r.TransferEncoding, ",")
	}
	values := r.Header.Values(name)
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(trimmed, ",")
}

// awsEscape percent-encodes all but the unreserved characters of RFC 3986.
func awsEscape(s string, keepSlash bool) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', keepSlash && c == '/':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}

// payloadHash returns the last line of the canonical request after checking
// that a declared hash is that of the body. Only S3 may leave the body unsigned.
func (s *signature) payloadHash(r *http.Request, body []byte, isS3 bool) (string, error) {
	declared := s.declaredPayload
	if isS3 {
		switch {
		case declared == "" && s.presigned, declared == unsigned:
			return unsigned, nil
		case declared == "":
			return "", errIncomplete("S3 needs the header x-amz-content-sha256")
		case isStreaming(declared):
			if s.presigned {
				return "", errIncomplete("a presigned upload cannot be chunked")
			}
			return declared, nil
		}
	}
	actual := hexSHA256(body)
	if declared != "" && subtle.ConstantTimeCompare([]byte(declared), []byte(actual)) != 1 {
		return "", errMismatch("the body of " + r.Method + " is not the one that was signed (x-amz-content-sha256)")
	}
	return actual, nil
}

// streamHash is that of a body that is not signed because it has yet to be made.
func (s *signature) streamHash() (string, error) {
	empty := hexSHA256(nil)
	switch s.declaredPayload {
	case "", empty:
		return empty, nil
	case unsigned:
		return unsigned, nil
	}
	return "", errMismatch("the body of PutMedia is not signed: sign the hash of an empty one")
}
