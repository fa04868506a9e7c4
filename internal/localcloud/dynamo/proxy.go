package dynamo

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"
)

// restartPatience is how long a request waits for dynalite to come back.
const restartPatience = 10 * time.Second

var errRestarting = errors.New("dynalite is restarting")

// RoundTrip implements http.RoundTripper: it sends the request to the child
// that serves now, waiting for one when there is none.
func (s *Server) RoundTrip(req *http.Request) (*http.Response, error) {
	child := s.current()
	select {
	case <-child.ready:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case <-time.After(restartPatience):
		return nil, errRestarting
	}
	child = s.current() // with its host
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host = "http", child.host
	return s.idle.RoundTrip(out)
}

func newProxy(s *Server) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.Host = r.In.Host },
		Transport: s,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				s.log.Warn("dynamodb request failed", "err", err)
			}
			// SDKs retry a 500, which is what this deserves: every write of
			// the platform is conditional and may be repeated.
			reply(w, http.StatusInternalServerError, map[string]string{
				"__type":  "com.amazonaws.dynamodb.v20120810#InternalServerError",
				"message": "The database is restarting: try again",
			})
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// dynalite dies of a request that breaks off half way, so it only ever
		// gets whole ones.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			reply(w, http.StatusRequestEntityTooLarge, map[string]string{
				"__type":  "com.amazon.coral.service#SerializationException",
				"message": "The request body was cut short or is over 16 MiB",
			})
			return
		}
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeTimeToLive") && s.describeTTL(w, body) {
			return
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.TransferEncoding = nil
		proxy.ServeHTTP(w, r)
	})
}

// describeTTL answers for tables that were provisioned with a TTL, of which
// dynalite knows nothing.
func (s *Server) describeTTL(w http.ResponseWriter, body []byte) bool {
	var in struct{ TableName string }
	if json.Unmarshal(body, &in) != nil {
		return false
	}
	s.mu.Lock()
	attribute := s.ttl[in.TableName]
	s.mu.Unlock()
	if attribute == "" {
		return false
	}
	reply(w, http.StatusOK, map[string]any{"TimeToLiveDescription": map[string]string{
		"TimeToLiveStatus": "ENABLED", "AttributeName": attribute,
	}})
	return true
}

// reply writes JSON with the checksum header that the SDKs verify.
func reply(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(raw)), 10))
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}
