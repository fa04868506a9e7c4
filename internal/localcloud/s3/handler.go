package s3

import (
	"net/http"
	"strings"

	"porchlight/internal/localcloud/awsapi"
)

// ServeHTTP answers one verified request with path-style addressing.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if what := unsupported(r); what != "" {
		awsapi.WriteError(w, awsapi.S3XML, &awsapi.Error{Code: "NotImplemented", Status: http.StatusNotImplemented,
			Message: "the local S3 does not offer " + what + ": put and get whole objects"})
		return
	}
	// gofakes3 stores every X-Amz header with the object and gives it back to
	// whoever reads it, session tokens included.
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "X-Amz-Meta-") {
			r.Header.Del(name)
		}
	}
	r.Header.Del("Authorization")
	if bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); r.Method == http.MethodPut && key != "" && len(s.notifications[bucket]) > 0 {
		s.putObject(w, r, bucket, key)
		return
	}
	plain := &plainMetadata{ResponseWriter: w}
	s.handler.ServeHTTP(plain, r)
	if !plain.wrote { // as after HEAD
		plain.WriteHeader(http.StatusOK)
	}
}

// unsupported names the part of a request that gofakes3 would ignore or keep
// in memory without bound; empty when there is none.
func unsupported(r *http.Request) string {
	if r.Header.Get("X-Amz-Copy-Source") != "" {
		return "server-side copies"
	}
	for name := range r.URL.Query() {
		switch strings.ToLower(name) {
		case "list-type", "prefix", "delimiter", "marker", "max-keys", "continuation-token", "start-after",
			"encoding-type", "fetch-owner", "location", "versioning", "delete", "x-id":
		case "uploads", "uploadid", "partnumber":
			return "multipart uploads"
		default:
			if !strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "response-") {
				return "the query parameter " + name
			}
		}
	}
	return ""
}
