package frontdoor

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkPutItem measures what every write of an event passes: signature,
// permission, dispatch.
func BenchmarkPutItem(b *testing.B) {
	body := `{"TableName":"porchlight","Item":{"pk":{"S":"OWNER#alice"},"data":{"S":"` + strings.Repeat("x", 600) + `"}}}`
	signed := call{service: "dynamodb", method: http.MethodPost, url: "/", body: body,
		headers: map[string]string{"X-Amz-Target": "DynamoDB_20120810.PutItem"}}.request(b)
	d := door(b, &asked{needs: make([]string, 0, 1<<20)}, keyring{})
	b.ReportAllocs()
	for b.Loop() {
		r, w := signed.Clone(b.Context()), httptest.NewRecorder()
		r.Body = io.NopCloser(strings.NewReader(body))
		d.ServeHTTP(w, r)
		require.Equal(b, http.StatusOK, w.Code)
	}
}
