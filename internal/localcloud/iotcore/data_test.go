package iotcore_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore"
)

func publishHTTP(t *testing.T, core *iotcore.Core, topic, payload string, want int) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	core.DataHandler().ServeHTTP(w, httptest.NewRequest("POST", "/topics/"+url.PathEscape(topic)+"?qos=1", strings.NewReader(payload)))
	require.Equal(t, want, w.Code, w.Body.String())
	return w
}

func TestPublishByHTTP(t *testing.T) {
	a := newActions()
	core := start(t, config(t, a))
	publishHTTP(t, core, eventsOf, `{"a":1}`, 200)
	require.Contains(t, a.next(t).message, `"topic":"`+eventsOf+`"`)
	tests := []struct {
		method, target, body string
		want                 int
		kind                 string
	}{
		{"POST", "/topics/porchlight/v1/front/events", `{}`, 200, ""},
		{"POST", "/topics/a%2Fb?qos=0&retain=true", `x`, 200, ""},
		{"GET", "/topics/a", ``, 405, "MethodNotAllowedException"},
		{"POST", "/nothing/a", ``, 404, "InvalidRequestException"},
		{"POST", "/topics/", ``, 400, "InvalidRequestException"},
		{"POST", "/topics/a%2B", ``, 400, "InvalidRequestException"},
		{"POST", "/topics/%24SYS", ``, 400, "InvalidRequestException"},
		{"POST", "/topics/a?qos=2", ``, 400, "InvalidRequestException"},
		{"POST", "/topics/a?retain=x", ``, 400, "InvalidRequestException"},
		{"POST", "/topics/a", strings.Repeat("x", 128<<10+1), 413, "InvalidRequestException"},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.target, func(t *testing.T) {
			w := httptest.NewRecorder()
			core.DataHandler().ServeHTTP(w, httptest.NewRequest(tt.method, tt.target, strings.NewReader(tt.body)))
			require.Equal(t, tt.want, w.Code, w.Body.String())
			require.Equal(t, tt.kind, w.Header().Get("X-Amzn-ErrorType"))
		})
	}
	broken := func(context.Context, []byte) error { return errors.New("secret detail") }
	a.onSNS, a.onSQS = broken, broken
	w := publishHTTP(t, core, eventsOf, `{"a":1}`, 500)
	require.NotContains(t, w.Body.String(), "secret")
}

func TestPublishByAWSCLI(t *testing.T) {
	aws, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("the AWS CLI is not installed")
	}
	a := newActions()
	core := start(t, config(t, a))
	server := httptest.NewServer(core.DataHandler())
	defer server.Close()
	body := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(body, []byte(`{"a":1}`), 0o600))
	cmd := exec.CommandContext(t.Context(), aws, "iot-data", "publish", "--endpoint-url", server.URL, "--region", "us-east-1",
		"--topic", eventsOf, "--qos", "1", "--payload", "fileb://"+body)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_EC2_METADATA_DISABLED=true")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, a.next(t).message, `"a":1`)
}
