package s3

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func open(t *testing.T, dir string, now func() time.Time) *Store {
	t.Helper()
	s, err := Open(Config{Dir: dir, Now: now, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func properties(t *testing.T, text string) Properties {
	t.Helper()
	var p Properties
	require.NoError(t, json.Unmarshal([]byte(text), &p))
	return p
}

const thumbs = `{"BucketName":"thumbs","PublicAccessBlockConfiguration":{"BlockPublicAcls":true},"LifecycleConfiguration":{"Rules":[
	{"Id":"old","Status":"Enabled","Prefix":"thumbnails/","ExpirationInDays":30},{"Status":"Disabled","ExpirationInDays":1}]}}`

func do(s http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestObjectsSurviveReopening(t *testing.T) {
	dir, now := t.TempDir(), func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }
	s := open(t, dir, now)
	require.NoError(t, s.Provision(properties(t, thumbs)))
	require.Equal(t, 200, do(s, "PUT", "/thumbs/thumbnails/porch/a.jpg", "jpeg", "Content-Type", "image/jpeg",
		"X-Amz-Security-Token", "secret-token", "X-Amz-Meta-Event", "01J").Code)
	require.NoError(t, s.Close())

	s = open(t, dir, now)
	require.NoError(t, s.Provision(properties(t, thumbs)), "provisioning again keeps the bucket")
	got := do(s, "GET", "/thumbs/thumbnails/porch/a.jpg", "")
	require.Equal(t, 200, got.Code)
	require.Equal(t, "jpeg", got.Body.String())
	require.Equal(t, "image/jpeg", got.Header().Get("Content-Type"))
	require.Equal(t, "01J", metadata(got.Header(), "event"))
	var all bytes.Buffer
	require.NoError(t, got.Header().Write(&all))
	require.NotContains(t, all.String(), "secret-token", "credentials are not kept with the object")
}

func TestLifecycleExpiresByPrefixAndAge(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	s := open(t, t.TempDir(), func() time.Time { return now })
	require.NoError(t, s.Provision(properties(t, thumbs)))
	require.Equal(t, 200, do(s, "PUT", "/thumbs/thumbnails/old.jpg", "x").Code)
	require.Equal(t, 200, do(s, "PUT", "/thumbs/kept/old.jpg", "x").Code)
	now = now.AddDate(0, 0, 29)
	require.Equal(t, 200, do(s, "PUT", "/thumbs/thumbnails/new.jpg", "x").Code)
	n, err := s.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
	now = now.AddDate(0, 0, 1)
	n, err = s.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, 404, do(s, "GET", "/thumbs/thumbnails/old.jpg", "").Code)
	require.Equal(t, 200, do(s, "GET", "/thumbs/thumbnails/new.jpg", "").Code)
	require.Equal(t, 200, do(s, "GET", "/thumbs/kept/old.jpg", "").Code)
}

func TestRefusesWhatItCannotDo(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	require.NoError(t, s.Provision(properties(t, thumbs)))
	for name, c := range map[string]struct{ method, path, header string }{
		"multipart": {"POST", "/thumbs/a?uploads", ""},
		"part":      {"PUT", "/thumbs/a?partNumber=1&uploadId=x", ""},
		"acl":       {"PUT", "/thumbs/a?acl", ""},
		"tagging":   {"GET", "/thumbs/a?tagging", ""},
		"copy":      {"PUT", "/thumbs/a", "X-Amz-Copy-Source"},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{}
			if c.header != "" {
				args = []string{c.header, "/thumbs/b"}
			}
			w := do(s, c.method, c.path, "", args...)
			require.Equal(t, http.StatusNotImplemented, w.Code)
			body, _ := io.ReadAll(w.Body)
			require.Contains(t, string(body), "<Code>NotImplemented</Code>")
		})
	}
	require.Error(t, s.Provision(properties(t, `{"BucketName":"Not_A_Bucket"}`)))
}

func TestSecondProcessIsToldSo(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, nil)
	_, err := Open(Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "another local cloud")
}

func TestPutForAnotherService(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	require.NoError(t, s.Provision(properties(t, thumbs)))
	require.NoError(t, s.Put(t.Context(), "thumbs", "images/a b.jpg", "image/jpeg", map[string]string{"aws_kinesisvideo_fragment_number": "7"}, []byte("jpeg")))
	got := do(s, "GET", "/thumbs/images/a%20b.jpg", "")
	require.Equal(t, "jpeg", got.Body.String())
	require.Equal(t, "image/jpeg", got.Header().Get("Content-Type"))
	require.Equal(t, "7", metadata(got.Header(), "aws_kinesisvideo_fragment_number"))
	require.Equal(t, "7", metadata(do(s, "HEAD", "/thumbs/images/a%20b.jpg", "").Header(), "aws_kinesisvideo_fragment_number"))
	require.ErrorContains(t, s.Put(t.Context(), "nowhere", "a", "", nil, nil), "no bucket")
}

// metadata of an object, whose names S3 writes in lower case.
func metadata(h http.Header, name string) string {
	for header, values := range h {
		if header == "x-amz-meta-"+name {
			return values[0]
		}
	}
	return ""
}
