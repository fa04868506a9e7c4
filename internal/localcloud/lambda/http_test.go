package lambda

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"
)

func serve(t *testing.T, s *Service) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	return srv
}

func TestSDKClient(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	s := start(t, config(t, function("f", map[string]string{"FILE": file}), function("a", nil)))
	srv := serve(t, s)
	client := sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, RetryMaxAttempts: 1, HTTPClient: srv.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	})
	call := func(in *sdk.InvokeInput) (*sdk.InvokeOutput, error) { return client.Invoke(context.Background(), in) }

	out, err := call(&sdk.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"text":"hi"}`)})
	require.NoError(t, err)
	require.Nil(t, out.FunctionError)
	require.Equal(t, "$LATEST", *out.ExecutedVersion)
	require.Contains(t, string(out.Payload), `"text":"hi"`)

	out, err = call(&sdk.InvokeInput{FunctionName: aws.String(arnPrefix + "f"), Payload: []byte(`{"do":"error"}`)})
	require.NoError(t, err)
	require.Equal(t, "Unhandled", *out.FunctionError)
	require.JSONEq(t, `{"errorType":"errorString","errorMessage":"it went wrong"}`, string(out.Payload))

	out, err = call(&sdk.InvokeInput{
		FunctionName: aws.String("f"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"do":"append","text":"later"}`),
	})
	require.NoError(t, err)
	require.Equal(t, int32(202), out.StatusCode)
	drained(t, s)
	require.Equal(t, []string{"later"}, lines(t, file))

	out, err = call(&sdk.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeDryRun})
	require.NoError(t, err)
	require.Equal(t, int32(204), out.StatusCode)

	var notFound *types.ResourceNotFoundException
	_, err = call(&sdk.InvokeInput{FunctionName: aws.String("nobody")})
	require.ErrorAs(t, err, &notFound)
	var badJSON *types.InvalidRequestContentException
	_, err = call(&sdk.InvokeInput{FunctionName: aws.String("f"), Payload: []byte("{")})
	require.ErrorAs(t, err, &badJSON)
	var tooLarge *types.RequestTooLargeException
	_, err = call(&sdk.InvokeInput{FunctionName: aws.String("f"), Payload: bytes.Repeat([]byte("1"), maxSyncBytes+1)})
	require.ErrorAs(t, err, &tooLarge)
	var badKind *types.InvalidParameterValueException
	_, err = call(&sdk.InvokeInput{FunctionName: aws.String("f"), InvocationType: "Sometimes"})
	require.ErrorAs(t, err, &badKind)

	list, err := client.ListFunctions(context.Background(), &sdk.ListFunctionsInput{})
	require.NoError(t, err)
	require.Len(t, list.Functions, 2)
	require.Equal(t, "a", *list.Functions[0].FunctionName)
	require.Equal(t, arnPrefix+"f", *list.Functions[1].FunctionArn)
}

func TestAWSCommandLine(t *testing.T) {
	aws, err := exec.LookPath("/usr/bin/aws")
	if err != nil {
		t.Skip("the AWS CLI is not installed")
	}
	srv := serve(t, start(t, config(t, function("f", nil))))
	in, out := filepath.Join(t.TempDir(), "in.json"), filepath.Join(t.TempDir(), "out.json")
	require.NoError(t, os.WriteFile(in, []byte(`{"text":"from the command line"}`), 0o600))
	cmd := exec.Command(aws, "--endpoint-url", srv.URL, "--region", "us-east-1",
		"lambda", "invoke", "--function-name", "f", "--payload", "fileb://"+in, out)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=k", "AWS_SECRET_ACCESS_KEY=s", "AWS_CONFIG_FILE=/dev/null")
	printed, err := cmd.CombinedOutput()
	require.NoError(t, err, string(printed))
	require.Contains(t, string(printed), `"StatusCode": 200`)
	body, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Contains(t, string(body), "from the command line")
}
