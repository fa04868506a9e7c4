package lambda

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTemplateProperties(t *testing.T) {
	var p FunctionProperties
	require.NoError(t, json.Unmarshal([]byte(`{
		"Architectures": ["arm64"], "Code": {"S3Bucket": "b"}, "Handler": "bootstrap", "Runtime": "provided.al2023",
		"Role": "arn:aws:iam::000000000000:role/r", "Timeout": 30, "MemorySize": 256,
		"Environment": {"Variables": {"TABLE_NAME": "t"}}, "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "g"}
	}`), &p))
	f, err := p.Function("events", arnPrefix+"events", "/b")
	require.NoError(t, err)
	require.Equal(t, Function{
		Name: "events", ARN: arnPrefix + "events", Role: "arn:aws:iam::000000000000:role/r", Path: "/b",
		Env: map[string]string{"TABLE_NAME": "t"}, Timeout: 30 * time.Second, MemorySize: 256, LogFormat: "JSON", LogGroup: "g",
	}, f)
	p.Runtime = "nodejs22.x"
	_, err = p.Function("events", arnPrefix+"events", "/b")
	require.ErrorIs(t, err, ErrBadFunction)

	var image FunctionProperties
	require.NoError(t, json.Unmarshal([]byte(`{"PackageType": "Image", "Code": {"ImageUri": "assets/faces"}, "Timeout": 20}`), &image))
	f, err = image.Function("faces", arnPrefix+"faces", "/b")
	require.NoError(t, err)
	require.Equal(t, "/b", f.Path)
	for _, odd := range []FunctionProperties{{PackageType: "Image", Runtime: "nodejs22.x"}, {PackageType: "Tar"}, {PackageType: "Zip"}} {
		_, err = odd.Function("odd", arnPrefix+"odd", "/b")
		require.ErrorIs(t, err, ErrBadFunction)
	}

	var e EventInvokeConfigProperties
	require.NoError(t, json.Unmarshal([]byte(`{
		"FunctionName": "events", "Qualifier": "$LATEST", "MaximumEventAgeInSeconds": 21600, "MaximumRetryAttempts": 0,
		"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:dead"}}
	}`), &e))
	none := 0
	require.Equal(t, AsyncConfig{Retries: &none, MaxAge: 6 * time.Hour, Destination: "arn:aws:sqs:us-east-1:000000000000:dead"}, e.Async())
}
