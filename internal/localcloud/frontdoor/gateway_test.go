package frontdoor

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/sts"
)

// FuzzGateway: no query but one that was signed opens a WebSocket.
func FuzzGateway(f *testing.F) {
	keys, err := sts.Open(sts.Config{Dir: f.TempDir(), AccountID: "000000000000"})
	require.NoError(f, err)
	g := Gateway{Region: "us-east-1", Keys: keys, Now: time.Now}
	scope := url.QueryEscape(keys.Admin().AccessKeyID + "/20250101/us-east-1/iotdevicegateway/aws4_request")
	f.Add("localhost:8884", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="+scope+"&X-Amz-Date=20250101T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature="+strings.Repeat("0", 64))
	f.Add("", "X-Amz-Signature=")
	f.Add("[::1]:1", "X-Amz-Security-Token=a&X-Amz-Security-Token=b&X-Amz-Signature=%zz")
	f.Fuzz(func(t *testing.T, host, query string) {
		r := httptest.NewRequest(http.MethodGet, "/mqtt", nil)
		r.Host, r.URL.RawQuery = host, query
		_, err := g.Verify(r)
		require.Error(t, err)
	})
}
