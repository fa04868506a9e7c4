package lambda

import (
	"encoding/json"
	"time"
)

// record is what AWS sends to a destination:
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
type record struct {
	Version         string          `json:"version"`
	Timestamp       string          `json:"timestamp"`
	RequestContext  recordContext   `json:"requestContext"`
	RequestPayload  json.RawMessage `json:"requestPayload"`
	ResponseContext *recordResponse `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage `json:"responsePayload,omitempty"`
}

type recordContext struct {
	RequestID    string `json:"requestId"`
	FunctionARN  string `json:"functionArn"`
	Condition    string `json:"condition"`
	ApproxInvoke int    `json:"approximateInvokeCount"`
}

type recordResponse struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

func failureRecord(fn Function, m *message, condition string, res Result) record {
	r := record{
		Version:   "1.0",
		Timestamp: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: recordContext{
			RequestID: m.RequestID, FunctionARN: fn.ARN + ":$LATEST",
			Condition: condition, ApproxInvoke: m.Attempts,
		},
		RequestPayload: m.Payload,
	}
	if res.FunctionError != "" {
		r.ResponseContext = &recordResponse{StatusCode: 200, ExecutedVersion: "$LATEST", FunctionError: res.FunctionError}
		r.ResponsePayload = res.Payload
	}
	return r
}
