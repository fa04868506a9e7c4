package shadow_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func (w *world) http(t testing.TB, method, target, body string, status int) string {
	t.Helper()
	rec := httptest.NewRecorder()
	w.sent = nil
	w.Handler().ServeHTTP(rec, httptest.NewRequest(method, target, strings.NewReader(body)))
	require.Equal(t, status, rec.Code, rec.Body.String())
	return rec.Header().Get("X-Amzn-Errortype") + rec.Body.String()
}

func TestHTTP(t *testing.T) {
	w := open(t)
	require.Contains(t, w.http(t, "GET", "/things/porch/shadow", "", 404), "ResourceNotFoundException")
	require.Contains(t, w.http(t, "POST", "/things/porch/shadow?name=config", `{"state":{"desired":{"a":1}}}`, 200), `"version":1`)
	require.Len(t, w.sent, 3, "accepted, delta and documents")
	require.Contains(t, w.http(t, "GET", "/things/porch/shadow?name=config", "", 200), `"delta":{"a":1}`)
	require.Empty(t, w.sent)
	require.Contains(t, w.http(t, "POST", "/things/porch/shadow?name=config", `{"state":{},"version":7}`, 409), "ConflictException")
	require.Empty(t, w.sent, "no messages about errors by HTTP")
	require.Contains(t, w.http(t, "POST", "/things/porch/shadow", `{`, 400), "InvalidRequestException")
	require.Contains(t, w.http(t, "POST", "/things/porch/shadow", strings.Repeat("x", 1<<20), 413), "RequestEntityTooLargeException")
	require.Contains(t, w.http(t, "POST", "/things/porch/shadow", "\xff", 415), "UnsupportedDocumentEncodingException")
	require.Contains(t, w.http(t, "PUT", "/things/porch/shadow", "", 405), "MethodNotAllowedException")
	require.Contains(t, w.http(t, "GET", "/things/nobody/shadow", "", 404), "Thing not found")
	require.Contains(t, w.http(t, "GET", "/things/por%2Fch/shadow", "", 400), "InvalidRequestException")
	require.Contains(t, w.http(t, "GET", "/things/porch/shadow?name=a%00b", "", 400), "InvalidRequestException")
	require.Contains(t, w.http(t, "DELETE", "/things/porch/shadow?name=config", "", 200), `"version":1`)
	require.Len(t, w.sent, 1)
}

func TestNames(t *testing.T) {
	w := open(t)
	list := "/api/things/shadow/ListNamedShadowsForThing/porch"
	require.JSONEq(t, `{"results":[],"timestamp":12345}`, w.http(t, "GET", list, "", 200))
	for _, name := range []string{"", "c", "a", "b", "$package", "gone"} {
		w.http(t, "POST", "/things/porch/shadow?name="+name, `{"state":{}}`, 200)
	}
	w.http(t, "DELETE", "/things/porch/shadow?name=gone", "", 200)
	require.JSONEq(t, `{"results":["$package","a","b","c"],"timestamp":12345}`, w.http(t, "GET", list, "", 200))
	var page struct {
		Results   []string
		NextToken string
	}
	require.NoError(t, json.Unmarshal([]byte(w.http(t, "GET", list+"?pageSize=3", "", 200)), &page))
	require.Equal(t, []string{"$package", "a", "b"}, page.Results)
	require.JSONEq(t, `{"results":["c"],"timestamp":12345}`, w.http(t, "GET", list+"?pageSize=3&nextToken="+page.NextToken, "", 200))
	w.http(t, "GET", list+"?pageSize=0", "", 400)
	w.http(t, "GET", list+"?nextToken=%2A", "", 400)
	w.http(t, "GET", "/api/things/shadow/ListNamedShadowsForThing/nobody", "", 404)
}
