package awsapi

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestErrorsInEachProtocol(t *testing.T) {
	e := &Error{Code: "com.amazonaws.sqs#QueueDoesNotExist", QueryCode: "AWS.SimpleQueueService.NonExistentQueue",
		Message: "no <queue>", Status: 400}
	for name, c := range map[string]struct {
		protocol Protocol
		kind     string
		body     string
		legacy   string
	}{
		"json 1.0":       {JSON10, "application/x-amz-json-1.0", `"__type":"com.amazonaws.sqs#QueueDoesNotExist"`, ""},
		"json and query": {JSON10Q, "application/x-amz-json-1.0", `"__type":"com.amazonaws.sqs#QueueDoesNotExist"`, "AWS.SimpleQueueService.NonExistentQueue;Sender"},
		"json 1.1":       {JSON11, "application/x-amz-json-1.1", `"__type"`, ""},
		"rest json":      {RESTJSON, "application/json", `"message"`, ""},
		"query":          {Query, "text/xml", "<Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>no &lt;queue&gt;</Message>", ""},
		"s3":             {S3XML, "text/xml", "<Error><Code>AWS.SimpleQueueService.NonExistentQueue</Code>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			WriteError(w, c.protocol, e)
			require.Equal(t, 400, w.Code)
			require.Equal(t, c.kind, w.Header().Get("Content-Type"))
			require.Contains(t, w.Body.String(), c.body)
			require.Equal(t, c.legacy, w.Header().Get("X-Amzn-Query-Error"))
			require.Regexp(t, `^[0-9a-f-]{36}$`, w.Header().Get(RequestIDHeader))
		})
	}
}
