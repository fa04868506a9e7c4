package lambdas_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/dynamo/dynamotest"
)

func TestHookDecidesByTheTable(t *testing.T) {
	url := aws(t)
	item(t, url, `{"pk":{"S":"SERIAL#007"},"sk":{"S":"ALLOWED"},"serial":{"S":"007"},"thing":{"S":"porch"},"allowed_at":{"S":"2026-05-04T03:02:01.000Z"}}`)
	hook := start(t, build(t, "provision"), "AWS_ENDPOINT_URL="+url, "TABLE_NAME="+dynamotest.Table().TableName)

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	request := func(serial string) map[string]any {
		return map[string]any{
			"certificateId":  strings.Repeat("1", 64),
			"certificatePem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
			"parameters":     map[string]string{"SerialNumber": serial},
		}
	}
	require.JSONEq(t, `{"allowProvisioning":false}`, string(hook.invoke(t, request("008"))))
	require.JSONEq(t, `{"allowProvisioning":false}`, string(hook.invoke(t, map[string]any{"parameters": 7})))
	// What is no IoT endpoint leaves only the credentials endpoint untold.
	require.JSONEq(t, `{"allowProvisioning":true,"parameterOverrides":{"ThingName":"porch","CredentialsEndpoint":""}}`,
		string(hook.invoke(t, request("007"))))
}

// item writes one to the table, with plain HTTP.
func item(t *testing.T, url, attributes string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"TableName":"porchlight","Item":`+attributes+`}`))
	require.NoError(t, err)
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Date", "20260504T030201Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=f")
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, 200, res.StatusCode, string(body))
}
