package s3

import (
	"net/http"
	"strings"
)

// plainMetadata writes the names of metadata in lower case, as S3 does: some
// clients hand them on as they come.
type plainMetadata struct {
	http.ResponseWriter
	wrote bool
}

// WriteHeader implements http.ResponseWriter.
func (w *plainMetadata) WriteHeader(status int) {
	w.wrote = true
	h := w.Header()
	for name, values := range h {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			delete(h, name)
			h[strings.ToLower(name)] = values
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *plainMetadata) Write(p []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *plainMetadata) Unwrap() http.ResponseWriter { return w.ResponseWriter }
